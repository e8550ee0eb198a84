//! The derives that what is stored has, beside those of its author.

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, DeriveInput, Ident, Path, Result, Token, parse_quote, punctuated::Punctuated};

/// Adds the usual derives and those of serde, each unless the author's own lines have it.
pub(crate) fn add(item: &mut DeriveInput, usual: &[&str], kernel: &TokenStream) -> Result<()> {
    let derives = derives(item, usual, kernel)?;
    item.attrs.retain(|attribute| !attribute.path().is_ident("derive"));
    let serde = format!("{}::__private::serde", kernel.to_string().replace(' ', ""));
    // In front: what the author says to a derive stands below it.
    let derives: [Attribute; 2] = [parse_quote!(#[derive(#(#derives),*)]), parse_quote!(#[serde(crate = #serde)])];
    item.attrs.splice(0..0, derives);
    Ok(())
}

fn derives(item: &DeriveInput, usual: &[&str], kernel: &TokenStream) -> Result<Vec<Path>> {
    let mut derives: Vec<Path> = Vec::new();
    for attribute in item.attrs.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        derives.extend(attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated)?);
    }
    let last = |path: &Path| path.segments.last().map(|segment| segment.ident.to_string());
    let own: Vec<String> = derives.iter().filter_map(last).collect();
    // Who derives PartialEq without Eq has something that does not equal itself.
    let has = |name: &str| own.iter().any(|derived| derived == name || (name == "Eq" && derived == "PartialEq"));
    let usual = usual.iter().map(|name| (*name, Path::from(Ident::new(name, Span::call_site()))));
    let serde: [(&str, Path); 2] = [
        ("Serialize", parse_quote!(#kernel::__private::serde::Serialize)),
        ("Deserialize", parse_quote!(#kernel::__private::serde::Deserialize)),
    ];
    derives.extend(usual.chain(serde).filter(|(name, _)| !has(name)).map(|(_, path)| path));
    Ok(derives)
}
