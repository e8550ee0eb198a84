//! What stands in the brackets of `#[message(…)]`.

use proc_macro2::Span;
use syn::{
    Error, Ident, LitInt, LitStr, Result, Token, Type,
    parse::{Parse, ParseStream},
};

/// A wire name, a version, and what may follow.
pub(crate) struct Arguments {
    pub(crate) name: LitStr,
    pub(crate) version: LitInt,
    /// The field that says which one the message is about.
    pub(crate) key: Option<Ident>,
    /// The version before this one.
    pub(crate) from: Option<Type>,
}

const FORM: &str =
    "a message has a wire name and a version: #[message(\"account.opened\", version = 1, key = account)]";

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name: LitStr = input.parse().map_err(|wrong| Error::new(wrong.span(), FORM))?;
        is_a_wire_name(&name)?;
        let mut version = None;
        let mut key = None;
        let mut from = None;
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let word: Ident = input.parse().map_err(|wrong| Error::new(wrong.span(), FORM))?;
            input.parse::<Token![=]>()?;
            match word.to_string().as_str() {
                "version" => once(&word, &mut version, input.parse()?)?,
                "key" => once(&word, &mut key, input.parse()?)?,
                "from" => once(&word, &mut from, input.parse()?)?,
                _ => return Err(Error::new(word.span(), "a message knows `version`, `key` and `from`")),
            }
        }
        let version = version.ok_or_else(|| Error::new(Span::call_site(), FORM))?;
        follows(&version, from.as_ref())?;
        Ok(Self { name, version, key, from })
    }
}

fn once<T>(word: &Ident, place: &mut Option<T>, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::new(word.span(), format!("`{word}` is given twice"))),
    }
}

/// The first version comes from nothing, every other from the one before it.
fn follows(version: &LitInt, from: Option<&Type>) -> Result<()> {
    match (version.base10_parse::<u32>()?, from) {
        (0, _) => Err(Error::new(version.span(), "versions count from 1")),
        (1, Some(from)) => Err(Error::new_spanned(from, "version 1 is made from nothing")),
        (2.., None) => {
            let what =
                format!("version {version} is made from the version before it: add `from = …` and its `impl From`");
            Err(Error::new(version.span(), what))
        }
        _ => Ok(()),
    }
}

fn is_a_wire_name(name: &LitStr) -> Result<()> {
    let text = name.value();
    let word = |word: &str| {
        let kebab = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        kebab && !word.is_empty() && !word.starts_with('-') && !word.ends_with('-')
    };
    match text.split_once('.') {
        Some((whose, what)) if word(whose) && word(what) => Ok(()),
        _ => {
            Err(Error::new(name.span(), "a wire name is two words in kebab-case with a dot between: `account.opened`"))
        }
    }
}
