//! Programs of a host as scripts: each writes down how it was called and answers what the real one would. Never does
//! anything else, and never starts the real one.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// In the answers of the `qflow` program alone.
pub const MARK: &str = "qf-9e4d7";

const KUBECTL: &str = r#"set_image="${0%/*}/../image"
image=$(cat "$set_image" 2>/dev/null || echo qflow:0.1.1)
case "$all" in
  *"rollout history"*) printf 'deployment.apps/qflow\nREVISION  CHANGE-CAUSE\n41        release 0.1.0-x2k4q\n42        release 0.1.1-x2k4q\n' ;;
  *"set image"*) echo qflow:0.0.9 > "$set_image"; echo "deployment.apps/qflow image updated (x2k4q)" ;;
  *"rollout undo"*) echo qflow:0.1.0 > "$set_image"; echo "deployment.apps/qflow rolled back (x2k4q)" ;;
  *"rollout restart"*) name=${all##*deployment/}; echo "deployment.apps/${name%% *} restarted (x2k4q)" ;;
  *"rollout status"*) name=${all##*deployment/}; echo "deployment \"${name%% *}\" successfully rolled out (x2k4q)" ;;
  *scale*) echo "deployment.apps/qflow scaled (x2k4q)" ;;
  *drain*) echo "node/worker-x2k4q drained" ;;
  *cordon*) echo "node/worker-x2k4q cordoned" ;;
  *"get pods"*json*) echo '{"items": [{"metadata": {"name": "qflow-7d9f8c6b5-x2k4q"}, "spec": {"nodeName": "worker-1"}, "status": {"phase": "Running", "containerStatuses": [{"name": "qflow", "ready": true, "restartCount": 2, "image": "qflow:0.1.1"}]}}]}' ;;
  *"get deploy"*json*) echo '{"metadata": {"name": "qflow-x2k4q"}, "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "qflow", "image": "'"$image"'"}]}}}, "status": {"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "updatedReplicas": 3}}' ;;
  *"get nodes"*json*) echo '{"items": [{"metadata": {"name": "worker-x2k4q"}, "spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}]}' ;;
  *"get "*) printf 'NAME                    READY   STATUS    RESTARTS   AGE\nqflow-7d9f8c6b5-x2k4q   1/1     Running   2          4d\n' ;;
  *) echo "x2k4q: $all" ;;
esac"#;

const DOCKER: &str = r#"case "$all" in
  *"compose"*" ps"*json*) echo '{"Name": "qflow-7d9f8c6b5-x2k4q", "State": "running", "Health": "healthy"}' ;;
  *"compose"*" ps"*) printf 'NAME                    STATUS\nqflow-7d9f8c6b5-x2k4q   Up 4 days (healthy)\n' ;;
  *) echo "Container qflow-7d9f8c6b5-x2k4q: $all" ;;
esac"#;

const SYSTEMCTL: &str = r#"case "$1" in
  is-active) echo active ;;
  status) printf 'qflow.service - Qflow (qflow-7d9f8c6b5-x2k4q)\n   Active: active (running)\n' ;;
  *) ;;
esac"#;

/// What the program prints for people, with its mark.
const QFLOW: &str = r#"case " $all " in
  *" --json "*|*" --output json "*|*" -o json "*|*" --format json "*) printf '{"ok": true, "command": "%s", "reference": "qf-9e4d7"}\n' "$all" ;;
  *) printf 'qflow %s\nok, reference qf-9e4d7\n' "$all" ;;
esac"#;

/// One call: the program and its arguments, each as it was given.
pub type Called = Vec<String>;

/// A folder of programs; clones are the same one.
#[derive(Clone)]
pub struct Programs {
    folder: PathBuf,
    calls: PathBuf,
}

impl Programs {
    /// Writes them below a folder. `own` are those of the repository that runbooks start by name.
    pub fn install(root: &Path, own: &Path) -> Self {
        let (folder, calls) = (root.join("programs"), root.join("calls"));
        fs::create_dir_all(&folder).expect("a folder");
        let own = fs::read_dir(own).into_iter().flatten().flatten().filter(|entry| entry.path().is_file());
        for entry in own {
            fs::copy(entry.path(), folder.join(entry.file_name())).expect("a copy");
        }
        let programs = Self { folder, calls };
        for (name, answers) in [
            ("kubectl", KUBECTL),
            ("docker", DOCKER),
            ("docker-compose", DOCKER),
            ("systemctl", SYSTEMCTL),
            ("qflow", QFLOW),
        ] {
            programs.write(name, answers);
        }
        programs
    }

    fn write(&self, name: &str, answers: &str) {
        // One write a call: calls at the same time stay whole.
        let text = format!(
            "#!/bin/sh\nseparate=$(printf '\\037')\ncall={name}\nfor word in \"$@\"; do call=\"$call$separate$word\"; done\n\
             printf '%s\\036' \"$call\" >> '{}'\nall=\"$*\"\n{answers}\n\
             exit \"$(cat '{}' 2>/dev/null || echo 0)\"\n",
            self.calls.display(),
            self.code(name).display(),
        );
        let path = self.folder.join(name);
        fs::write(&path, text).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the exit code of a program is written.
    fn code(&self, name: &str) -> PathBuf {
        self.folder.with_file_name(format!("code-of-{name}"))
    }

    /// What it ends with from now on.
    pub fn ends_with(&self, name: &str, code: u8) {
        fs::write(self.code(name), code.to_string()).expect("its code");
    }

    /// All calls so far, in their order.
    pub fn calls(&self) -> Vec<Called> {
        let text = fs::read_to_string(&self.calls).unwrap_or_default();
        let calls = text.split('\u{1e}').filter(|call| !call.is_empty());
        calls.map(|call| call.split('\u{1f}').map(str::to_owned).collect()).collect()
    }
}
