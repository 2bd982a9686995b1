//! Reads documents: into values, or to check them alone.

use super::check::{Limits, Measure};
use super::decode::Decoded;
use super::input::Input;
use super::problem::YamlError;
use super::value::YamlDocument;
use crate::limits::{Budget, MAX_METADATA, MAX_VALUES};

/// What a file that becomes metadata may hold. The largest of 282 real charts has 51 values. JSON of the cache is read back
/// to a depth of 128 (serde_json).
pub(super) const METADATA: Limits = Limits { values: 10_000, bytes: MAX_METADATA, depth: 100 };

/// What values.yaml may hold: 1,486 values in the largest of 282 real charts. Go reads JSON, which Helm makes of it, to this
/// depth (maxNestingDepth in encoding/json).
pub(super) const VALUES: Limits = Limits { values: 30_000, bytes: MAX_VALUES, depth: 10_000 };

/// How deep values.yaml may be nested where values have to be built to know whether Helm reads it. What goes through them
/// calls itself.
const MAX_DOUBTFUL: usize = 1000;

/// Reads the first document of a file that is metadata. A text without a document is null.
pub(crate) fn read<'b>(bytes: &[u8], budget: &'b Budget) -> Result<YamlDocument<'b>, YamlError> {
    let decoded = Decoded::new(bytes, budget)?;
    let measure = super::check::check(Input::new(&decoded), &METADATA)?;
    build(&decoded, &measure, budget)
}

/// The same of values.yaml, which may hold more.
pub(crate) fn read_values<'b>(bytes: &[u8], budget: &'b Budget) -> Result<YamlDocument<'b>, YamlError> {
    let decoded = Decoded::new(bytes, budget)?;
    let measure = super::check::check(Input::new(&decoded), &Limits { depth: METADATA.depth, ..VALUES })?;
    build(&decoded, &measure, budget)
}

/// The same of a document of so many bytes, which may be many small ones in one: the index of a repository.
pub(crate) fn read_whole<'b>(bytes: &[u8], budget: &'b Budget) -> Result<YamlDocument<'b>, YamlError> {
    const WHOLE: Limits = Limits { values: 100_000, bytes: 4 << 20, depth: 100 };
    let decoded = Decoded::new(bytes, budget)?;
    let measure = super::check::check(Input::new(&decoded), &WHOLE)?;
    build(&decoded, &measure, budget)
}

/// How many steps it takes to check a document: characters, tokens and events. A figure for tests, which measure no time.
#[cfg(any(test, fuzzing))]
pub(crate) fn steps(bytes: &[u8]) -> u64 {
    let budget = Budget::default();
    Decoded::new(bytes, &budget).map_or(0, |decoded| super::check::steps(Input::new(&decoded), &VALUES))
}

/// Checks whether a document is one that [`read`] takes.
pub(crate) fn check_metadata(bytes: &[u8], budget: &Budget) -> Result<(), YamlError> {
    super::check::check(Input::new(&Decoded::new(bytes, budget)?), &METADATA).map(|_| ())
}

/// Checks whether the first document of values.yaml is one that Helm reads, and what it is: "a map", "null".
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
