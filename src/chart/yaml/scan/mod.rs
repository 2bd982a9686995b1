//! From characters to tokens, by the rules of go-yaml's scanner (scannerc.go, a port of libyaml's), which are those of
//! YAML 1.1 with exceptions: `:` and `?` inside of brackets, tags, tabs. What the YAML specification says otherwise does
//! not count here, because Helm does not read it so.
//!
//! Whether a scalar is the key of a map is known only once the `:` behind it has come, which may be 1024 characters later.
//! Tokens wait in a queue for that, and a mark on the first token of the key says so.

mod fetch;
mod scalars;
mod scanner;
mod tags;
mod token;

pub(super) use self::token::{YamlToken, YamlTokenKind};
pub(super) use scanner::Scanner;
