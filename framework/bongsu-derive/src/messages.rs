//! What `derive(Messages)` writes: an enum that is any one of its messages, on the wire and in Rust.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Ident, Meta, Result, Type, Variant, parse2};

/// A variant, and the message it holds.
struct Held {
    variant: Ident,
    message: Type,
    starts: bool,
}

pub(crate) fn expand(item: TokenStream, kernel: &TokenStream) -> TokenStream {
    parse2(item).and_then(|item| write(&item, kernel)).unwrap_or_else(Error::into_compile_error)
}

fn write(item: &DeriveInput, kernel: &TokenStream) -> Result<TokenStream> {
    let Data::Enum(data) = &item.data else {
        return Err(Error::new(item.ident.span(), "messages are an enum: one variant for each"));
    };
    if !item.generics.params.is_empty() {
        return Err(Error::new_spanned(&item.generics, "messages have no parameters: what is stored has one shape"));
    }
    if data.variants.is_empty() {
        return Err(Error::new(item.ident.span(), "messages without a message: add a variant for each"));
    }
    let all_start = starts(&item.attrs)?;
    let held = data.variants.iter().map(|variant| held(variant, all_start)).collect::<Result<Vec<_>>>()?;
    let from = from(&item.ident, &held);
    let wire = wire(&item.ident, &held, kernel);
    Ok(quote!(#from #wire))
}

fn held(variant: &Variant, all_start: bool) -> Result<Held> {
    let message = match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first().map(|field| field.ty.clone()),
        Fields::Named(_) | Fields::Unnamed(_) | Fields::Unit => None,
    };
    let Some(message) = message else {
        let what = format!("a variant of messages holds one: `{}(…)`", variant.ident);
        return Err(Error::new_spanned(variant, what));
    };
    let starts = all_start || starts(&variant.attrs)?;
    Ok(Held { variant: variant.ident.clone(), message, starts })
}

/// Whether `#[starts]` is among these: on a variant for it alone, on the enum for all.
fn starts(attributes: &[Attribute]) -> Result<bool> {
    let Some(found) = attributes.iter().find(|attribute| attribute.path().is_ident("starts")) else { return Ok(false) };
    match &found.meta {
        Meta::Path(_) => Ok(true),
        said => Err(Error::new_spanned(said, "`#[starts]` says it all: whatever is heard, an instance begins")),
    }
}

fn from(name: &Ident, held: &[Held]) -> TokenStream {
    let from = held.iter().map(|Held { variant, message, .. }| {
        quote! {
            #[automatically_derived]
            impl ::core::convert::From<#message> for #name {
                fn from(message: #message) -> Self {
                    Self::#variant(message)
                }
            }
        }
    });
    quote!(#(#from)*)
}

fn wire(name: &Ident, held: &[Held], kernel: &TokenStream) -> TokenStream {
    let messages: Vec<&Type> = held.iter().map(|held| &held.message).collect();
    let starts = held.iter().any(|held| held.starts);
    let written = written(held, kernel);
    let read = read(held, kernel);
    let asked = asked(held, kernel);
    quote! {
        const _: () = ::core::assert!(
            #kernel::__private::are_distinct(&[#(<#messages as #kernel::Versioned>::NAME),*]),
            "two messages of one enum have the same wire name"
        );
        #[automatically_derived]
        impl #kernel::Wire for #name {
            const KEYED: bool = true #(&& <#messages as #kernel::Versioned>::KEY.is_some())*;
            const STARTS: bool = #starts;

            #written
            #read
            #asked
        }
    }
}

/// How a value is written down.
fn written(held: &[Held], kernel: &TokenStream) -> TokenStream {
    let (variants, messages): (Vec<_>, Vec<_>) = held.iter().map(|held| (&held.variant, &held.message)).unzip();
    quote! {
        fn names() -> ::std::vec::Vec<(&'static str, u32)> {
            ::std::vec![#((<#messages as #kernel::Versioned>::NAME, <#messages as #kernel::Versioned>::SCHEMA)),*]
        }

        fn name(&self) -> (&'static str, u32) {
            match self { #(Self::#variants(message) => #kernel::Wire::name(message)),* }
        }

        fn encode(&self) -> ::std::vec::Vec<u8> {
            match self { #(Self::#variants(message) => #kernel::Wire::encode(message)),* }
        }
    }
}

/// How it is read again.
fn read(held: &[Held], kernel: &TokenStream) -> TokenStream {
    let (variants, messages): (Vec<_>, Vec<_>) = held.iter().map(|held| (&held.variant, &held.message)).unzip();
    quote! {
        fn read(
            name: &str,
            schema: u32,
            data: &[u8],
            extra: #kernel::Extra,
        ) -> ::core::result::Result<::core::option::Option<Self>, #kernel::DecodeError> {
            #(if let ::core::option::Option::Some(message) =
                <#messages as #kernel::Wire>::read(name, schema, data, extra)?
            {
                return ::core::result::Result::Ok(::core::option::Option::Some(Self::#variants(message)));
            })*
            ::core::result::Result::Ok(::core::option::Option::None)
        }

        fn read_from<'de, D: #kernel::__private::serde::Deserializer<'de>>(
            name: &str,
            reader: D,
        ) -> ::core::result::Result<::core::option::Option<Self>, D::Error> {
            #(if name == <#messages as #kernel::Versioned>::NAME {
                let read = <#messages as #kernel::Wire>::read_from(name, reader)?;
                return ::core::result::Result::Ok(::core::option::Option::map(read, Self::#variants));
            })*
            ::core::result::Result::Ok(::core::option::Option::None)
        }
    }
}

/// What can be asked of a value.
fn asked(held: &[Held], kernel: &TokenStream) -> TokenStream {
    let variants: Vec<&Ident> = held.iter().map(|held| &held.variant).collect();
    let starting: Vec<&Ident> = held.iter().filter(|held| held.starts).map(|held| &held.variant).collect();
    let starts = match starting.is_empty() {
        true => quote!(false),
        false => quote!(::core::matches!(self, #(Self::#starting(_))|*)),
    };
    quote! {
        fn key(&self) -> ::core::option::Option<::std::string::String> {
            match self { #(Self::#variants(message) => #kernel::Wire::key(message)),* }
        }

        fn starts(&self) -> bool {
            #starts
        }
    }
}
