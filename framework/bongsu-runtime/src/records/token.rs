//! Read your writes: a token names the last thing a command wrote.

use std::{fmt, str::FromStr};

/// `context/stream@version:sequence`: the last event of a command and the sequence of its last fact
/// (0 when it told nothing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Which context wrote.
    pub context: String,
    /// Which stream.
    pub stream: String,
    /// The version after the command.
    pub version: u64,
    /// The sequence of the last fact of that stream in this command.
    pub sequence: u64,
}

/// The text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position token looks like context/stream@version:sequence")]
pub struct NotAToken;

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}:{}", self.context, self.stream, self.version, self.sequence)
    }
}

/// A header of a request: context, stream and two numbers are shorter.
const LONGEST: usize = 512;

impl FromStr for Token {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let (place, at) = text.rsplit_once('@').ok_or(NotAToken)?;
        let (context, stream) = place.split_once('/').ok_or(NotAToken)?;
        let (version, sequence) = at.split_once(':').ok_or(NotAToken)?;
        if text.len() > LONGEST || context.is_empty() || stream.is_empty() || text.contains('\0') {
            return Err(NotAToken);
        }
        Ok(Self {
            context: context.to_owned(),
            stream: stream.to_owned(),
            version: version.parse().map_err(|_| NotAToken)?,
            sequence: sequence.parse().map_err(|_| NotAToken)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_written_and_garbage_is_refused() {
        let token = Token { context: "bank".into(), stream: "account/a@b".into(), version: 3, sequence: 2 };
        assert_eq!(token.to_string().parse(), Ok(token));
        for bad in ["", "x", "bank/account", "bank@1:1", "bank/a@1", "bank/a@x:1", "/a@1:1", "bank/a@-1:1"] {
            assert_eq!(bad.parse::<Token>(), Err(NotAToken), "{bad}");
        }
    }
}
