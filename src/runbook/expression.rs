//! Expressions of runbooks: compiled once, every name in them proved, evaluated against a scope. Never runs a
//! statement: there is no loop, no assignment and no include in a runbook.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, LazyLock},
};

use minijinja::{
    Environment, UndefinedBehavior, Value,
    machinery::{
        ast::{CallArg, Expr},
        parse_expr,
    },
};

use super::scope::Scope;

/// What minijinja brings and runbooks may use.
const FILTERS: &[&str] = &[
    "abs",
    "bool",
    "capitalize",
    "count",
    "default",
    "first",
    "float",
    "int",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    SECONDS,
];
const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
    "upper",
];
/// A duration as a number of seconds: `{{ since | seconds }}`.
const SECONDS: &str = "seconds";

/// One for all runbooks: it holds rules and no state.
static RULES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut rules = Environment::new();
    rules.set_undefined_behavior(UndefinedBehavior::Strict);
    for function in ["debug", "dict", "namespace", "range"] {
        rules.remove_global(function);
    }
    rules.add_filter(SECONDS, |text: String| {
        let read = crate::domain::duration::parse(&text);
        read.map(|duration| duration.as_secs())
            .map_err(|error| minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, error.to_string()))
    });
    rules
});

/// An expression that was proved.
#[derive(Clone)]
pub struct Expression {
    text: Arc<str>,
    code: Arc<minijinja::Expression<'static, 'static>>,
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}`: {why}")]
pub struct NoValue {
    /// As it is written in the runbook.
    pub expression: String,
    /// What went wrong; never a value of the scope.
    pub why: String,
}

impl Expression {
    /// As it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it is.
    ///
    /// # Errors
    /// When something that it needs is not there, or is of another kind.
    pub fn value(&self, scope: &Scope) -> Result<Value, NoValue> {
        let none = |why: String| NoValue { expression: self.text.to_string(), why };
        // The detail of an error may quote a value, and a value may be a secret.
        let value = self.code.eval(scope.value()).map_err(|error| none(error.kind().to_string()))?;
        if value.is_undefined() { Err(none("it is not there".to_owned())) } else { Ok(value) }
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// As [`Expression::value`].
    pub fn holds(&self, scope: &Scope) -> Result<bool, NoValue> {
        self.value(scope).map(|value| value.is_true())
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{{{{ {} }}}}", self.text)
    }
}

/// A name of an expression with what follows it: `answers`, `.json`, `.data`.
#[derive(Debug, Default)]
pub(super) struct Reference {
    pub parts: Vec<(String, Range<usize>)>,
}

/// What is wrong with an expression, and where in it.
#[derive(Debug)]
pub(super) struct Flaw {
    pub at: Range<usize>,
    pub what: String,
    pub known: &'static [&'static str],
    pub word: String,
}

/// A compiled expression, the names in it, and what is wrong with it.
pub(super) fn compile(text: &str) -> Result<(Expression, Vec<Reference>, Vec<Flaw>), Flaw> {
    let flaw = |error: &minijinja::Error| {
        let why = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Flaw {
            at: 0..text.len(),
            what: format!("this is no expression: {why}"),
            known: &[],
            word: String::new(),
        }
    };
    let mut walk = Walk { text, references: Vec::new(), flaws: Vec::new() };
    {
        let tree = parse_expr(text).map_err(|error| flaw(&error))?;
        walk.expression(&tree);
    }
    let code = RULES.compile_expression_owned(text.to_owned()).map_err(|error| flaw(&error))?;
    let expression = Expression { text: text.trim().into(), code: Arc::new(code) };
    Ok((expression, walk.references, walk.flaws))
}

struct Walk<'t> {
    text: &'t str,
    references: Vec<Reference>,
    flaws: Vec<Flaw>,
}

impl Walk<'_> {
    /// Where a word stands that a node ends with (`.name`) or begins with; all of the node when it is not there.
    fn word(&self, word: &str, start: u32, end: u32) -> Range<usize> {
        let at = |offset: u32| usize::try_from(offset).unwrap_or_default().min(self.text.len());
        let (start, end) = (at(start), at(end).max(at(start)));
        let found = self.text.get(start..end).and_then(|node| node.rfind(word));
        found.map_or(start..end, |found| start + found..start + found + word.len())
    }

    /// The path of names that a node is, if it is one.
    fn path(&mut self, node: &Expr<'_>) -> Option<Reference> {
        match node {
            Expr::Var(var) => {
                let at = self.word(var.id, var.span().start_offset, var.span().end_offset);
                Some(Reference { parts: vec![(var.id.to_owned(), at)] })
            }
            Expr::GetAttr(get) => {
                let mut path = self.path(&get.expr)?;
                let at = self.word(get.name, get.span().start_offset, get.span().end_offset);
                path.parts.push((get.name.to_owned(), at));
                Some(path)
            }
            Expr::GetItem(get) => {
                let mut path = self.path(&get.expr)?;
                if let Expr::Const(index) = &get.subscript_expr
                    && let Some(name) = index.value.as_str()
                {
                    let at = self.word(name, get.span().start_offset, get.span().end_offset);
                    path.parts.push((name.to_owned(), at));
                } else {
                    self.expression(&get.subscript_expr);
                    let (start, end) = (get.span().start_offset, get.span().end_offset);
                    path.parts.push((String::new(), self.word("[", start, end)));
                }
                Some(path)
            }
            _ => None,
        }
    }

    fn expressions<'e, 's: 'e>(&mut self, nodes: impl IntoIterator<Item = &'e Expr<'s>>) {
        for node in nodes {
            self.expression(node);
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) {
        for argument in arguments {
            match argument {
                CallArg::Pos(node)
                | CallArg::PosSplat(node)
                | CallArg::Kwarg(_, node)
                | CallArg::KwargSplat(node) => {
                    self.expression(node);
                }
            }
        }
    }

    fn known(&mut self, word: &str, known: &'static [&'static str], what: &str, span: (u32, u32)) {
        if !known.contains(&word) {
            let at = self.word(word, span.0, span.1);
            self.flaws.push(Flaw {
                at,
                what: format!("there is no {what} `{word}`"),
                known,
                word: word.to_owned(),
            });
        }
    }

    fn expression(&mut self, node: &Expr<'_>) {
        if let Some(path) = self.path(node) {
            self.references.push(path);
            return;
        }
        match node {
            Expr::Var(_) | Expr::Const(_) => {}
            Expr::GetAttr(get) => self.expression(&get.expr),
            Expr::GetItem(get) => self.expressions([&get.expr, &get.subscript_expr]),
            Expr::Slice(slice) => {
                self.expression(&slice.expr);
                self.expressions([&slice.start, &slice.stop, &slice.step].into_iter().flatten());
            }
            Expr::UnaryOp(one) => self.expression(&one.expr),
            Expr::BinOp(two) => self.expressions([&two.left, &two.right]),
            Expr::Compare(compare) => {
                self.expression(&compare.expr);
                self.expressions(compare.ops.iter().map(|other| &other.expr));
            }
            Expr::IfExpr(choice) => {
                self.expressions([&choice.test_expr, &choice.true_expr]);
                self.expressions(choice.false_expr.as_ref());
            }
            Expr::Filter(filter) => {
                self.known(
                    filter.name,
                    FILTERS,
                    "filter",
                    (filter.span().start_offset, filter.span().end_offset),
                );
                self.expressions(filter.expr.as_ref());
                self.arguments(&filter.args);
            }
            Expr::Test(test) => {
                self.known(test.name, TESTS, "test", (test.span().start_offset, test.span().end_offset));
                self.expression(&test.expr);
                self.arguments(&test.args);
            }
            Expr::Call(call) => {
                let at = self.word("(", call.span().start_offset, call.span().end_offset);
                let what = "nothing can be called in a runbook's expression".to_owned();
                self.flaws.push(Flaw { at, what, known: &[], word: String::new() });
                self.arguments(&call.args);
            }
            Expr::List(list) => self.expressions(&list.items),
            Expr::Tuple(tuple) => self.expressions(&tuple.items),
            Expr::Map(map) => {
                self.expressions(&map.keys);
                self.expressions(&map.values);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_used_exists() {
        let scope = Scope::default();
        for (name, list) in [("filter", FILTERS), ("test", TESTS)] {
            for word in list {
                let (expression, ..) = compile(&format!("{word:?} is {name}")).unwrap();
                assert!(expression.holds(&scope).unwrap(), "{name} {word}");
            }
        }
        let (expression, ..) = compile("'1h30m' | seconds").unwrap();
        assert_eq!(expression.value(&scope).unwrap(), Value::from(5400));
    }

    #[test]
    fn names_are_found_with_their_places() {
        let text = "not answers.ok and json['data'][0].x > since|int or (a if b else c)";
        let (_, references, flaws) = compile(text).unwrap();
        assert!(flaws.is_empty(), "{flaws:?}");
        let found: Vec<Vec<&str>> = references
            .iter()
            .map(|reference| reference.parts.iter().map(|(_, at)| text.get(at.clone()).unwrap()).collect())
            .collect();
        let expected: [&[&str]; 6] =
            [&["answers", "ok"], &["json", "data", "[", "x"], &["since"], &["b"], &["a"], &["c"]];
        assert_eq!(found, expected);
        let (_, _, flaws) = compile("range(9) | shout").unwrap();
        assert_eq!(flaws.len(), 2, "{flaws:?}");
        for text in ["", "a b", "a ||", "{% x %}", "(((", "'open"] {
            assert!(compile(text).is_err(), "{text}");
        }
    }
}
