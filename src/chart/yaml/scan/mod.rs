//! Turns characters into tokens by the rules of go-yaml's scanner (scannerc.go, a port of libyaml's). They are those of
//! YAML 1.1, with differences in `:` and `?` inside of brackets, in tags and in tabs. Where the YAML specification
//! differs, Helm does not follow it, and neither does this.
//!
//! Whether a scalar is the key of a map shows only when the `:` after it comes, up to 1024 characters later. Until then
//! tokens wait in a queue, and the first token of the key gets a mark when it is one.

mod fetch;
mod scalars;
mod scanner;
mod tags;
mod token;

pub(super) use self::token::{YamlToken, YamlTokenKind};
pub(super) use scanner::Scanner;
