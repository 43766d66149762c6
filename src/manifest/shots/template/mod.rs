//! `{{ name }}` in strings: a small part of Jinja. A template is compiled once and rendered for many
//! shots; an undefined name, an endless loop and a flood of text are mistakes.

mod validate;

use std::fmt;
use std::io;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, filters, tests as is};

use crate::catalog;

use validate::PathUse;
pub use validate::TemplateError;
pub(crate) use validate::name_for;

/// What rendering one text may cost: the engine counts steps, items and bytes.
const FUEL: u64 = 400_000;
/// The longest text a template may yield, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Names the filters there are, each once, and adds them to an environment.
macro_rules! filters {
    ($($name:literal => $filter:expr),+ $(,)?) => {
        /// The filters there are.
        const FILTERS: &[&str] = &[$($name),+];

        fn add_filters(environment: &mut Environment<'_>) {
            $(environment.add_filter($name, $filter);)+
        }
    };
}

filters! {
    "abs" => filters::abs,
    "capitalize" => filters::capitalize,
    "count" => filters::length,
    "d" => filters::default,
    "default" => filters::default,
    "first" => filters::first,
    "float" => filters::float,
    "int" => filters::int,
    "join" => filters::join,
    "last" => filters::last,
    "length" => filters::length,
    "list" => filters::list,
    "lower" => filters::lower,
    "replace" => filters::replace,
    "reverse" => filters::reverse,
    "round" => filters::round,
    "sort" => filters::sort,
    "split" => filters::split,
    "title" => filters::title,
    // The engine's own takes characters to trim, and its time grows with their number.
    "trim" => |text: &str| text.trim().to_owned(),
    "unique" => filters::unique,
    "upper" => filters::upper,
}

/// What templates are compiled and rendered with.
pub struct Engine {
    environment: Environment<'static>,
}

impl Default for Engine {
    fn default() -> Self {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_debug(true);
        environment.set_recursion_limit(50);
        add_filters(&mut environment);
        add_tests(&mut environment);
        if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
            environment.set_syntax(syntax);
        }
        Self { environment }
    }
}

impl Engine {
    /// Whether a text needs the engine at all.
    pub(crate) fn is_template(text: &str) -> bool {
        text.contains('{') && ["{{", "{%", "{#"].iter().any(|open| text.contains(open))
    }

    /// Compiles a text.
    ///
    /// # Errors
    /// When it is no template, with the reason.
    pub fn compile<'a>(&'a self, text: &'a str) -> Result<Template<'a>, TemplateError> {
        let (uses, paths) = validate::check(text, FILTERS)?;
        let environment: &'a Environment<'a> = &self.environment;
        let inner = environment.template_from_named_str("", text).map_err(|error| wrong(&error))?;
        let mut names: Vec<Box<str>> =
            inner.undeclared_variables(false).into_iter().map(String::into_boxed_str).collect();
        names.sort();
        let of = |name: &str| uses.iter().filter(|used| used.word == name).collect::<Vec<_>>();
        let optional = names.iter().filter(|name| of(name).iter().all(|used| used.forgives()));
        let conditions =
            names.iter().filter(|name| of(name).iter().any(|used| used.is_condition()));
        let dotted = paths.iter().filter(|used| used.is_condition && used.path.contains('.'));
        let dotted = dotted.map(|used| used.path.as_str().into());
        let (optional, conditions) =
            (optional.cloned().collect(), conditions.cloned().chain(dotted).collect());
        Ok(Template { inner, optional, conditions, paths: paths.into(), names: names.into() })
    }
}

fn add_tests(environment: &mut Environment<'_>) {
    environment.add_test("defined", is::is_defined);
    environment.add_test("undefined", is::is_undefined);
    environment.add_test("none", is::is_none);
    environment.add_test("number", is::is_number);
    environment.add_test("string", is::is_string);
    environment.add_test("even", is::is_even);
    environment.add_test("odd", is::is_odd);
    environment.add_test("in", is::is_in);
}

/// A compiled text.
pub struct Template<'a> {
    inner: minijinja::Template<'a, 'a>,
    /// The names it uses, sorted.
    pub names: Box<[Box<str>]>,
    /// Those of them that may be missing.
    pub optional: Box<[Box<str>]>,
    /// Those that stand alone in an `if`, where `off` must not count as true.
    conditions: Box<[Box<str>]>,
    /// The names with what stands behind their dots.
    paths: Box<[PathUse]>,
}

impl Template<'_> {
    /// What a text without quotes is worth as a name's value.
    pub(crate) fn value(&self, name: &str, text: &str) -> Value {
        match catalog::any_switch(text).filter(|_| self.is_condition(name)) {
            Some(on) => Value::from_object(Switch { on, text: text.into() }),
            None => value(text),
        }
    }

    /// How it uses a name: with what behind its dots.
    pub(crate) fn paths<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p PathUse> {
        self.paths.iter().filter(move |used| used.path.split('.').next() == Some(name))
    }

    /// Whether a name stands alone in an `if`.
    pub(crate) fn is_condition(&self, name: &str) -> bool {
        self.conditions.iter().any(|condition| **condition == *name)
    }

    /// The text for one shot, with `get` to ask for a name's value.
    ///
    /// # Errors
    /// When a name is undefined or something else goes wrong.
    pub fn render(&self, get: &dyn Fn(&str) -> Option<Value>) -> Result<String, TemplateError> {
        let given = self.names.iter().filter_map(|name| Some((name.clone(), get(name)?)));
        let context = Value::from_object(Given(given.collect()));
        let mut out = Bounded(Vec::new());
        match self.inner.render_captured_to(context, &mut out) {
            Ok(_) => String::from_utf8(out.0).map_err(|_| "it yields no text".to_owned().into()),
            Err(error) if error.kind() == ErrorKind::WriteFailure => {
                Err(format!("it yields more than {} KB of text", MAX_BYTES / 1024).into())
            }
            Err(error) => Err(wrong(&error)),
        }
    }
}

/// The values of one rendering.
#[derive(Debug)]
struct Given(Vec<(Box<str>, Value)>);

impl Object for Given {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        self.0.iter().find(|(name, _)| **name == *key).map(|(_, value)| value.clone())
    }
}

/// A value for templates. A number that prints as it was written is a number, so that one can
/// reckon with it; everything else is the text that was written.
#[must_use]
pub fn value(text: &str) -> Value {
    if let serde_json::Value::Number(number) = crate::manifest::text::tree::scalar(text) {
        let value = match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(part)) => Value::from(part),
            (None, None) => return Value::from(text),
        };
        if value.to_string() == text {
            return value;
        }
    }
    Value::from(text)
}

/// A switch: prints as it was written and is true or false in an `if`.
#[derive(Debug)]
struct Switch {
    on: bool,
    text: Box<str>,
}

impl Object for Switch {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.on
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The engine's error in our words.
fn wrong(error: &minijinja::Error) -> TemplateError {
    let detail = error.detail();
    let says = |part: &str| detail.is_some_and(|detail| detail.contains(part));
    let (what, fix) = match error.kind() {
        ErrorKind::SyntaxError if says("unexpected end of variable block") => {
            ("there is no name between the braces", "write a name, such as {{ look }}")
        }
        ErrorKind::SyntaxError if says("expected end of variable block") => (
            "this does not belong behind what stands before it",
            "a name is one word, such as {{ time_of_day }}; `~` joins two: {{ look ~ mood }}",
        ),
        ErrorKind::SyntaxError if says("unexpected end of input") => {
            ("what begins here is never ended", "write {% endif %} or {% endfor %} at its end")
        }
        ErrorKind::InvalidOperation if says("unsupported types") => (
            "this cannot be reckoned with: a part of it is no number",
            "`| int` makes a number of a text; `~` joins texts",
        ),
        ErrorKind::UndefinedError => (
            "what stands here has no value",
            "check the spelling, or say what to write instead: `| default(\"...\")`",
        ),
        ErrorKind::OutOfFuel => ("it is too much to render", "make the text simpler"),
        kind => {
            let what = detail.map_or_else(|| kind.to_string(), str::to_owned);
            return TemplateError { what, fix: None, range: error.range() };
        }
    };
    TemplateError { what: what.to_owned(), fix: Some(fix.to_owned()), range: error.range() }
}

/// Takes no more than [`MAX_BYTES`].
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_BYTES {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
