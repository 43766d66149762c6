//! `{{ name }}` in strings. A template is compiled once and rendered for many shots; an undefined
//! name, an endless loop and a flood of text are mistakes.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Object;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};

/// Steps that rendering one text may take.
const FUEL: u64 = 50_000;
/// The longest text a template may yield, in bytes.
const MOST_BYTES: usize = 256 * 1024;

/// What templates are compiled and rendered with.
pub(super) struct Engine {
    environment: Environment<'static>,
}

/// Why a text is no template, or cannot be rendered.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub fix: Option<String>,
    /// The bytes of the text that cause it, where they are known.
    pub range: Option<Range<usize>>,
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self { what, fix: None, range: None }
    }
}

impl Engine {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_debug(false);
        environment.set_recursion_limit(50);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        // `debug` shows everything there is, and nothing that belongs in a prompt.
        environment.remove_global("debug");
        if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
            environment.set_syntax(syntax);
        }
        Self { environment }
    }

    /// Whether a text needs the engine at all.
    pub(super) fn is_template(text: &str) -> bool {
        text.contains("{{") || text.contains("{%") || text.contains("{#")
    }

    /// Compiles a text.
    ///
    /// # Errors
    /// When it is no template, with the reason.
    pub(super) fn compile<'a>(&'a self, text: &'a str) -> Result<Template<'a>, Wrong> {
        let environment: &'a Environment<'a> = &self.environment;
        let inner = environment.template_from_named_str("", text).map_err(|e| reason(&e))?;
        let globals: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
        let mut names: Vec<Box<str>> = inner
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !globals.contains(name.as_str()))
            .map(String::into_boxed_str)
            .collect();
        names.sort();
        Ok(Template { inner, names: names.into() })
    }
}

/// A compiled text.
pub(super) struct Template<'a> {
    inner: minijinja::Template<'a, 'a>,
    /// The names it uses, sorted.
    pub names: Box<[Box<str>]>,
}

impl Template<'_> {
    /// The text for one shot.
    ///
    /// # Errors
    /// When a name is undefined or something else goes wrong, with the reason.
    pub(super) fn render(&self, get: &dyn Fn(&str) -> Option<Value>) -> Result<String, Wrong> {
        let given = self.names.iter().filter_map(|name| Some((name.clone(), get(name)?)));
        let context = Value::from_object(Given(given.collect()));
        let mut out = Bounded(Vec::new());
        match self.inner.render_captured_to(context, &mut out) {
            Ok(_) => String::from_utf8(out.0).map_err(|_| "it yields no text".to_owned().into()),
            Err(error) if error.kind() == ErrorKind::WriteFailure => {
                Err(format!("it yields more than {} KiB of text", MOST_BYTES / 1024).into())
            }
            Err(error) => Err(reason(&error).into()),
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
pub(super) fn value(text: &str) -> Value {
    match super::tree::scalar(text) {
        serde_json::Value::Bool(switch) => Value::from(switch),
        serde_json::Value::Number(number) => {
            let value = match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Value::from(whole),
                (None, Some(part)) => Value::from(part),
                (None, None) => return Value::from(text),
            };
            if value.to_string() == text { value } else { Value::from(text) }
        }
        _ => Value::from(text),
    }
}

fn reason(error: &minijinja::Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "it takes too long to render".to_owned(),
        (kind, None) => kind.to_string(),
        (_, Some(detail)) => detail.to_owned(),
    }
}

/// Takes no more than [`MOST_BYTES`].
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_BYTES {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
