//! What all shots of a manifest inherit: the names of `vars` and the parameters of `defaults`.

use std::rc::Rc;

use super::param_source::{Base, Reported, compile_base};
use super::template::Engine;
use crate::catalog::Catalog;
use crate::manifest::diagnostics::Diagnostics;
use crate::manifest::text::tree::Node;

/// `vars` and `defaults` as they are written, those of included files among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inherited {
    /// Names for templates and their texts.
    pub vars: Vec<(Rc<str>, Node)>,
    /// Parameters by their index in the catalog.
    pub defaults: Vec<(usize, Node)>,
    /// Parameters that a misspelt key, which was reported, probably meant.
    pub misspelt: Vec<usize>,
}

impl Inherited {
    /// Adds another file's; they override those that are there.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (name, text) in &other.vars {
            put(&mut self.vars, name.clone(), text.clone());
        }
        for (param, value) in &other.defaults {
            put(&mut self.defaults, *param, value.clone());
        }
        self.misspelt.extend(&other.misspelt);
    }
}

fn put<K: PartialEq, V>(list: &mut Vec<(K, V)>, key: K, value: V) {
    match list.iter_mut().find(|(known, _)| *known == key) {
        Some((_, known)) => *known = value,
        None => list.push((key, value)),
    }
}

/// [`Inherited`] with its templates compiled and its fixed values coerced, once for all entries.
pub(crate) struct CompiledDefaults<'a> {
    inherited: &'a Inherited,
    values: Vec<(usize, Result<Option<Base<'a>>, Reported>)>,
}

impl<'a> CompiledDefaults<'a> {
    pub(crate) fn new(
        inherited: &'a Inherited,
        catalog: &Catalog,
        engine: &'a Engine,
        diags: &mut Diagnostics,
    ) -> Self {
        let values = inherited.defaults.iter().map(|(param, node)| {
            (*param, compile_base(node, catalog.params().get(*param), true, engine, diags))
        });
        Self { inherited, values: values.collect() }
    }

    /// The default of the parameter at an index in the catalog.
    pub(crate) fn value(&self, param: usize) -> Result<Option<Base<'a>>, Reported> {
        let value = self.values.iter().find(|(at, _)| *at == param);
        value.map_or(Ok(None), |(_, value)| value.clone())
    }

    /// Whether a misspelt key probably meant this parameter.
    pub(crate) fn is_misspelt(&self, param: usize) -> bool {
        self.inherited.misspelt.contains(&param)
    }

    pub(crate) fn vars(&self) -> &'a [(Rc<str>, Node)] {
        &self.inherited.vars
    }
}
