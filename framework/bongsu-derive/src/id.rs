//! What `#[id]` writes: a text under a name of its own, which is still a text wherever it is written down or read.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Ident, Result, Type, parse_quote, parse2};

const FORM: &str = "an id is a text under a name of its own: `pub struct AccountId(String);`";

/// The item with what was written for it; after a mistake it stands alone beside the error.
pub(crate) fn expand(arguments: &TokenStream, item: TokenStream, kernel: &TokenStream) -> TokenStream {
    write(arguments, item.clone(), kernel).unwrap_or_else(|wrong| {
        let wrong = wrong.into_compile_error();
        quote!(#item #wrong)
    })
}

fn write(arguments: &TokenStream, item: TokenStream, kernel: &TokenStream) -> Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(arguments, "`#[id]` says it all: an id is its text"));
    }
    let mut item: DeriveInput = parse2(item)?;
    is_a_text(&item)?;
    crate::derives::add(&mut item, &["Clone", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"], kernel)?;
    item.attrs.insert(2, parse_quote!(#[serde(transparent)]));
    let made = made(&item.ident);
    let read = read(&item.ident);
    Ok(quote!(#item #made #read))
}

/// One field without a name, a `String`.
fn is_a_text(item: &DeriveInput) -> Result<()> {
    if !item.generics.params.is_empty() {
        return Err(Error::new_spanned(&item.generics, "an id has no parameters: it is a text"));
    }
    let field = match &item.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first(),
            Fields::Named(_) | Fields::Unnamed(_) | Fields::Unit => None,
        },
        Data::Enum(_) | Data::Union(_) => None,
    };
    let Some(field) = field else { return Err(Error::new(item.ident.span(), FORM)) };
    match &field.ty {
        Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "String") => Ok(()),
        other => Err(Error::new_spanned(other, FORM)),
    }
}

/// How an id is made of a text.
fn made(name: &Ident) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::core::convert::From<::std::string::String> for #name {
            fn from(text: ::std::string::String) -> Self {
                Self(text)
            }
        }
        #[automatically_derived]
        impl ::core::convert::From<&str> for #name {
            fn from(text: &str) -> Self {
                Self(::std::convert::From::from(text))
            }
        }
    }
}

/// How its text is read. It equals a text, and no id of another name.
fn read(name: &Ident) -> TokenStream {
    let seen_as =
        [(quote!(::core::convert::AsRef<str>), quote!(as_ref)), (quote!(::core::borrow::Borrow<str>), quote!(borrow))];
    let seen_as = seen_as.map(|(what, how)| {
        quote! {
            #[automatically_derived]
            impl #what for #name {
                fn #how(&self) -> &str {
                    &self.0
                }
            }
        }
    });
    let equals = [quote!(str), quote!(&str)].map(|text| {
        quote! {
            #[automatically_derived]
            impl ::core::cmp::PartialEq<#text> for #name {
                fn eq(&self, text: &#text) -> bool {
                    self.0 == *text
                }
            }
        }
    });
    let shown = [quote!(::core::fmt::Display), quote!(::core::fmt::Debug)].map(|how| {
        quote! {
            #[automatically_derived]
            impl #how for #name {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    <::std::string::String as #how>::fmt(&self.0, f)
                }
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl ::core::ops::Deref for #name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }
        #(#seen_as)*
        #(#shown)*
        #(#equals)*
    }
}
