//! What `#[message]` writes: the usual derives, and which version of which message the type is.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, Ident, Result, parse2};

use crate::arguments::Arguments;

/// The item with what was written for it. After a mistake the item stands alone beside the error, so that whoever uses it
/// is not told that it is missing.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream, kernel: &TokenStream) -> TokenStream {
    let written = parse2(arguments).and_then(|arguments| write(&arguments, parse2(item.clone())?, kernel));
    written.unwrap_or_else(|wrong| {
        let wrong = wrong.into_compile_error();
        quote!(#item #wrong)
    })
}

fn write(arguments: &Arguments, mut item: DeriveInput, kernel: &TokenStream) -> Result<TokenStream> {
    if !item.generics.params.is_empty() {
        return Err(Error::new_spanned(item.generics, "a message has no parameters: what is stored has one shape"));
    }
    let key = key(arguments, &item)?;
    has_own_fields(&item)?;
    crate::derives::add(&mut item, &["Clone", "Debug", "PartialEq", "Eq"], kernel)?;
    let versioned = versioned(arguments, &item.ident, &key, kernel);
    Ok(quote!(#item #versioned))
}

/// No field is flattened: serde keeps what such a message does not know for the one inside, so that nobody can refuse it.
fn has_own_fields(item: &DeriveInput) -> Result<()> {
    let fields: Vec<&Field> = match &item.data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => data.variants.iter().flat_map(|variant| &variant.fields).collect(),
        Data::Union(_) => Vec::new(),
    };
    for attribute in fields.into_iter().flat_map(|field| &field.attrs) {
        let path = attribute.path();
        let is_serde = path.is_ident("serde") || path.is_ident("cfg_attr");
        if let Some(flatten) = is_serde.then(|| names(attribute, "flatten")).flatten() {
            let why = "a message has its own fields: with `flatten` a command cannot refuse one that nobody knows";
            return Err(Error::new(flatten.span(), why));
        }
    }
    Ok(())
}

/// Where an attribute names something, at whatever depth.
fn names(attribute: &Attribute, name: &str) -> Option<Ident> {
    fn find(tokens: TokenStream, name: &str) -> Option<Ident> {
        tokens.into_iter().find_map(|token| match token {
            TokenTree::Ident(ident) => Some(ident).filter(|ident| ident == name),
            TokenTree::Group(group) => find(group.stream(), name),
            TokenTree::Punct(_) | TokenTree::Literal(_) => None,
        })
    }
    attribute.meta.require_list().ok().and_then(|list| find(list.tokens.clone(), name))
}

/// How the key is read from a value.
fn key(arguments: &Arguments, item: &DeriveInput) -> Result<TokenStream> {
    let Some(key) = &arguments.key else { return Ok(quote!(::core::option::Option::None)) };
    let names: Vec<&Ident> = match &item.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields.named.iter().filter_map(|field| field.ident.as_ref()).collect(),
            Fields::Unnamed(_) | Fields::Unit => Vec::new(),
        },
        Data::Enum(_) | Data::Union(_) => Vec::new(),
    };
    if !names.contains(&key) {
        let known: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let known = if known.is_empty() { "none by name".into() } else { known.join(", ") };
        return Err(Error::new(key.span(), format!("`{}` has no field `{key}`, it has {known}", item.ident)));
    }
    Ok(quote!(::core::option::Option::Some(|message| ::std::string::ToString::to_string(&message.#key))))
}

fn versioned(arguments: &Arguments, ty: &Ident, key: &TokenStream, kernel: &TokenStream) -> TokenStream {
    let Arguments { name, version, from, .. } = arguments;
    let (prev, up, check) = match from {
        None => (quote!(#kernel::Origin), quote!(match prev {}), TokenStream::new()),
        Some(prev) => {
            let up = quote!(<Self as ::core::convert::From<#prev>>::from(prev));
            let told = "a version is made from the version just before it, under the same name";
            let before = quote!(<#prev as #kernel::Versioned>);
            let next = quote!(#kernel::__private::is_next(#name, #version, #before::NAME, #before::SCHEMA));
            (
                quote!(#prev),
                up,
                quote!(
                    const _: () = ::core::assert!(#next, #told);
                ),
            )
        }
    };
    quote! {
        #[automatically_derived]
        impl #kernel::Versioned for #ty {
            const NAME: &'static str = #name;
            const SCHEMA: u32 = #version;
            const KEY: ::core::option::Option<fn(&Self) -> ::std::string::String> = #key;
            type Prev = #prev;

            fn up(prev: #prev) -> Self {
                #up
            }
        }
        #check
    }
}
