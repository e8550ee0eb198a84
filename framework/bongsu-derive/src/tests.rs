//! What is written, and what is said where it cannot be, over tokens: the kernel itself proves that what is written works.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse_str;

use crate::{id, message, messages};

fn kernel() -> TokenStream {
    quote!(::kernel)
}

/// The error in what was written: what it says, and the text it points at.
#[track_caller]
fn error(written: TokenStream) -> String {
    let text = written.to_string();
    let (_, said) = text.split_once("compile_error ! {").unwrap_or_else(|| panic!("no error in {text}"));
    let said: syn::LitStr = parse_str(said.split_once('}').expect("a closed call").0).expect("a sentence");
    said.value()
}

fn of(arguments: TokenStream) -> TokenStream {
    message::expand(
        arguments,
        quote!(
            struct Opened {
                account: String,
                owner: String,
            }
        ),
        &kernel(),
    )
}

fn has(written: &TokenStream, part: TokenStream) -> bool {
    written.to_string().contains(&part.to_string())
}

#[test]
fn a_message_is_named_versioned_and_keyed() {
    let written = of(quote!("account.opened", version = 1, key = account));
    for part in [
        quote!(impl ::kernel::Versioned for Opened),
        quote!(
            const NAME: &'static str = "account.opened";
        ),
        quote!(
            const SCHEMA: u32 = 1;
        ),
        quote!(&message.account),
        quote!(
            type Prev = ::kernel::Origin;
        ),
        quote!(#[serde(crate = "::kernel::__private::serde")]),
    ] {
        assert!(has(&written, part.clone()), "{part} is not in {written}");
    }
    assert!(has(&of(quote!("account.opened", version = 1)), quote!(= ::core::option::Option::None;)));
}

#[test]
fn a_version_is_made_from_the_one_before_it_and_that_is_checked() {
    let written = of(quote!("account.opened", version = 2, from = OpenedV1));
    assert!(has(&written, quote!(<Self as ::core::convert::From<OpenedV1>>::from(prev))), "{written}");
    assert!(written.to_string().contains("is_next (\"account.opened\" , 2 ,"), "{written}");
}

#[test]
fn a_message_with_a_flattened_field_is_refused_wherever_it_is_said() {
    let of = |item: TokenStream| message::expand(quote!("account.opened", version = 1), item, &kernel());
    for attribute in
        [quote!(#[serde(flatten)]), quote!(#[serde(default, flatten)]), quote!(#[cfg_attr(all(), serde(flatten))])]
    {
        for item in [
            quote!(struct Opened { account: String, #attribute owner: Owner }),
            quote!(struct Opened(#attribute Owner);),
            quote!(enum Opened { By { #attribute owner: Owner } }),
        ] {
            let said = error(of(item.clone()));
            assert!(said.contains("`flatten`"), "{item}: {said}");
        }
    }
    let named = of(quote!(
        struct Opened {
            #[serde(rename = "flatten", default)]
            flatten: String,
        }
    ));
    assert!(!named.to_string().contains("compile_error"), "{named}");
}

#[test]
fn what_the_author_derives_is_not_derived_twice() {
    let derives = |own: TokenStream| {
        let item = quote!(#own struct Opened {});
        let written = message::expand(quote!("account.opened", version = 1), item, &kernel()).to_string();
        let (_, derives) = written.split_once("derive (").expect("derives");
        derives.split_once(')').expect("a closed list").0.replace(' ', "")
    };
    let serde = "::kernel::__private::serde::Serialize,::kernel::__private::serde::Deserialize";
    assert_eq!(derives(quote!()), format!("Clone,Debug,PartialEq,Eq,{serde}"));
    assert_eq!(derives(quote!(#[derive(Copy, Clone)])), format!("Copy,Clone,Debug,PartialEq,Eq,{serde}"));
    assert_eq!(derives(quote!(#[derive(PartialEq)])), format!("PartialEq,Clone,Debug,{serde}"));
    assert_eq!(derives(quote!(#[derive(serde::Serialize)])).matches("Serialize").count(), 1);
}

#[test]
fn a_message_that_is_said_wrong_is_answered_in_a_sentence() {
    let form = "a message has a wire name and a version: #[message(\"account.opened\", version = 1, key = account)]";
    for (arguments, said) in [
        (quote!(), form),
        (quote!("account.opened"), form),
        (quote!(version = 1), form),
        (quote!("account.opened", 1), form),
        (quote!("opened", version = 1), "a wire name is two words in kebab-case with a dot between: `account.opened`"),
        (
            quote!("account.Opened", version = 1),
            "a wire name is two words in kebab-case with a dot between: `account.opened`",
        ),
        (quote!("account.opened", version = 0), "versions count from 1"),
        (quote!("account.opened", version = 1, from = V0), "version 1 is made from nothing"),
        (
            quote!("account.opened", version = 2),
            "version 2 is made from the version before it: add `from = …` and its `impl From`",
        ),
        (quote!("account.opened", version = 1, version = 1), "`version` is given twice"),
        (quote!("account.opened", version = 1, topic = account), "a message knows `version`, `key` and `from`"),
        (
            quote!("account.opened", version = 1, key = order),
            "`Opened` has no field `order`, it has `account`, `owner`",
        ),
    ] {
        assert_eq!(error(of(arguments.clone())), said, "{arguments}");
    }
}

#[test]
fn a_message_that_is_said_wrong_still_stands_beside_the_error() {
    assert!(has(
        &of(quote!("opened", version = 1)),
        quote!(
            struct Opened {
                account: String,
                owner: String,
            }
        )
    ));
}

#[test]
fn a_key_is_a_field_with_a_name_and_a_message_has_no_parameters() {
    let keyed = |item| error(message::expand(quote!("account.opened", version = 1, key = account), item, &kernel()));
    assert_eq!(
        keyed(quote!(
            struct Opened(String);
        )),
        "`Opened` has no field `account`, it has none by name"
    );
    assert_eq!(
        keyed(quote!(
            enum Opened {
                account,
            }
        )),
        "`Opened` has no field `account`, it has none by name"
    );
    assert_eq!(
        keyed(quote!(
            struct Opened<T> {
                account: T,
            }
        )),
        "a message has no parameters: what is stored has one shape"
    );
}

fn of_enum(item: &str) -> TokenStream {
    messages::expand(item.parse().expect("tokens"), &kernel())
}

#[test]
fn messages_are_any_one_of_their_variants() {
    let written = of_enum("enum Heard { #[starts] Asked(Asked), Answered(desk::Answered) }");
    assert!(has(&written, quote!(impl ::core::convert::From<desk::Answered> for Heard)), "{written}");
    assert!(has(&written, quote!(impl ::kernel::Wire for Heard)), "{written}");
}

#[test]
fn what_starts_is_marked_one_by_one_or_all_at_once() {
    let one = of_enum("enum Heard { #[starts] Asked(Asked), Answered(Answered) }");
    assert!(has(&one, quote!(::core::matches!(self, Self::Asked(_)))), "{one}");
    let all = of_enum("#[starts] enum Heard { Asked(Asked), Answered(Answered) }");
    assert!(has(&all, quote!(::core::matches!(self, Self::Asked(_) | Self::Answered(_)))), "{all}");
    for (written, starts) in [(one, "true"), (all, "true"), (of_enum("enum Heard { Asked(Asked) }"), "false")] {
        assert!(written.to_string().contains(&format!("STARTS : bool = {starts}")), "{written}");
    }
}

#[test]
fn messages_that_are_said_wrong_are_answered_in_a_sentence() {
    for (item, said) in [
        ("struct Heard { asked: Asked }", "messages are an enum: one variant for each"),
        ("enum Heard {}", "messages without a message: add a variant for each"),
        ("enum Heard<T> { Asked(T) }", "messages have no parameters: what is stored has one shape"),
        ("enum Heard { Asked }", "a variant of messages holds one: `Asked(…)`"),
        ("enum Heard { Asked(Asked, Ctx) }", "a variant of messages holds one: `Asked(…)`"),
        ("enum Heard { Asked { id: String } }", "a variant of messages holds one: `Asked(…)`"),
        (
            "enum Heard { #[starts(late)] Asked(Asked) }",
            "`#[starts]` says it all: whatever is heard, an instance begins",
        ),
    ] {
        assert_eq!(error(of_enum(item)), said, "{item}");
    }
}

fn of_id(item: &str) -> TokenStream {
    id::expand(&TokenStream::new(), item.parse().expect("tokens"), &kernel())
}

#[test]
fn an_id_is_its_text_on_the_wire_and_a_name_in_rust() {
    let written = of_id("pub struct AccountId(String);");
    for part in [
        quote!(
            #[serde(crate = "::kernel::__private::serde")]
            #[serde(transparent)]
            pub struct AccountId(String);
        ),
        quote!(impl ::core::convert::From<&str> for AccountId),
        quote!(impl ::core::borrow::Borrow<str> for AccountId),
        quote!(impl ::core::cmp::PartialEq<&str> for AccountId),
    ] {
        assert!(has(&written, part.clone()), "{part} is not in {written}");
    }
}

#[test]
fn an_id_derives_what_a_key_needs_and_what_its_author_adds() {
    let written = of_id("#[derive(Default, Clone)] struct AccountId(String);").to_string().replace(' ', "");
    assert!(written.starts_with("#[derive(Default,Clone,PartialEq,Eq,PartialOrd,Ord,Hash,"), "{written}");
}

#[test]
fn an_id_that_is_said_wrong_is_answered_in_a_sentence_and_still_stands_beside_it() {
    let form = "an id is a text under a name of its own: `pub struct AccountId(String);`";
    for (item, said) in [
        ("struct AccountId;", form),
        ("struct AccountId();", form),
        ("struct AccountId(u64);", form),
        ("struct AccountId(&'static str);", form),
        ("struct AccountId(String, String);", form),
        ("struct AccountId { text: String }", form),
        ("enum AccountId { Text(String) }", form),
        ("struct AccountId<T>(T);", "an id has no parameters: it is a text"),
    ] {
        let written = of_id(item);
        assert_eq!(error(written.clone()), said, "{item}");
        assert!(has(&written, item.parse().expect("tokens")), "{written}");
    }
    let item = quote!(
        struct AccountId(String);
    );
    let told = id::expand(&quote!(prefix = "acc"), item, &kernel());
    assert_eq!(error(told), "`#[id]` says it all: an id is its text");
}
