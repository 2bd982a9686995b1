//! Reads YAML documents into values, or only checks them.

use super::check::{Limits, Measure};
use super::decode::Decoded;
use super::events::Events;
use super::input::Input;
use super::problem::YamlError;
use super::value::YamlDocument;
use crate::limits::{Budget, MAX_METADATA, MAX_VALUES};

/// The limits of a file that becomes metadata. The largest of 282 real charts has 51 values. JSON in the cache is read
/// back with at most 128 levels (serde_json).
pub(super) const METADATA: Limits = Limits { values: 10_000, bytes: MAX_METADATA, depth: 100 };

/// The limits of values.yaml. The largest of 282 real charts has 1,486 values. Helm makes JSON of it, which Go reads
/// with at most this many levels (maxNestingDepth in encoding/json).
pub(super) const VALUES: Limits = Limits { values: 30_000, bytes: MAX_VALUES, depth: 10_000 };

/// How many levels values.yaml may have if values must be built to know whether Helm accepts it: functions on values
/// are recursive.
const MAX_DOUBTFUL: usize = 1000;

/// Reads the first document of a metadata file. A text without a document is null. Memory is taken from `budget`.
pub(crate) fn read<'b>(bytes: &[u8], budget: &'b Budget) -> Result<YamlDocument<'b>, YamlError> {
    let decoded = Decoded::new(bytes, budget)?;
    let measure = super::check::check(Input::new(&decoded), &METADATA)?;
    build(&decoded, &measure, budget)
}

/// Reads the first document of values.yaml, with its limits. A text without a document is null.
pub(crate) fn read_values<'b>(bytes: &[u8], budget: &'b Budget) -> Result<YamlDocument<'b>, YamlError> {
    let decoded = Decoded::new(bytes, budget)?;
    let measure = super::check::check(Input::new(&decoded), &Limits { depth: METADATA.depth, ..VALUES })?;
    build(&decoded, &measure, budget)
}

/// Reads the first document of the index of a chart repository, with limits of 100,000 values and 4 MiB of text.
pub(crate) fn read_whole<'b>(bytes: &[u8], budget: &'b Budget) -> Result<YamlDocument<'b>, YamlError> {
    const WHOLE: Limits = Limits { values: 100_000, bytes: 4 << 20, depth: 100 };
    let decoded = Decoded::new(bytes, budget)?;
    let measure = super::check::check(Input::new(&decoded), &WHOLE)?;
    build(&decoded, &measure, budget)
}

/// Whether a text is one document and nothing behind it, as a part of another text has to be.
pub(crate) fn is_one_document(bytes: &[u8], budget: &Budget) -> Result<bool, YamlError> {
    let decoded = Decoded::new(bytes, budget)?;
    let mut events = Events::new(Input::new(&decoded))?;
    while events.next()?.is_some() {}
    Ok(events.is_at_end()?)
}

/// How many steps it takes to check a document: characters, tokens and events. Tests use this instead of time.
#[cfg(any(test, fuzzing))]
pub(crate) fn steps(bytes: &[u8]) -> u64 {
    let budget = Budget::default();
    Decoded::new(bytes, &budget).map_or(0, |decoded| super::check::steps(Input::new(&decoded), &VALUES))
}

/// An error if [`read`] would not accept this document.
pub(crate) fn check_metadata(bytes: &[u8], budget: &Budget) -> Result<(), YamlError> {
    super::check::check(Input::new(&Decoded::new(bytes, budget)?), &METADATA).map(|_| ())
}

/// Checks the first document of values.yaml, and returns the type of its value: "a map", "null". An error if Helm would
/// refuse it.
pub(crate) fn check_values(bytes: &[u8], budget: &Budget) -> Result<&'static str, YamlError> {
    let decoded = Decoded::new(bytes, budget)?;
    let measure = super::check::check(Input::new(&decoded), &VALUES)?;
    if measure.doubtful {
        if measure.depth > MAX_DOUBTFUL {
            return Err(YamlError::Depth(MAX_DOUBTFUL));
        }
        build(&decoded, &measure, budget)?.value.check_json()?;
    }
    Ok(measure.kind)
}

pub(super) fn build<'b>(
    decoded: &Decoded<'_, '_>,
    measure: &Measure,
    budget: &'b Budget,
) -> Result<YamlDocument<'b>, YamlError> {
    let held = budget.hold(measure.memory())?;
    Ok(YamlDocument { value: super::build::build(Input::new(decoded), measure)?, held })
}
