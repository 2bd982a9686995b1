//! Asks a registry the questions of a walk over attached manifests: several at once, but with few large answers in
//! memory.

use crate::graph::{WalkAnswer, WalkError, WalkQuestion};
use crate::limits::{Budget, MAX_MANIFEST};
use crate::threads::try_in_parallel;

/// How many requests are made at a time.
const AT_ONCE: usize = 4;
/// A manifest or list with more bytes than this is fetched while no other request is running. Almost all have less than
/// a tenth.
const SMALL: u64 = 64 << 10;
/// How many times its own bytes a parsed manifest takes in memory.
const UNDERSTOOD: u64 = 3;

/// Asks all questions, several at once for small answers. Larger answers are then fetched one by one, and their memory
/// is taken from the budget.
///
/// `ask` answers one question, with at most the given number of bytes; `is_too_large` recognises its error for an
/// answer that has more. The answers are in the order of the questions.
pub(in crate::verbs) fn ask_each<E: From<WalkError> + Send>(
    budget: &Budget,
    questions: &[WalkQuestion],
    ask: impl Fn(&WalkQuestion, u64) -> Result<WalkAnswer, E> + Sync,
    is_too_large: impl Fn(&E) -> bool + Sync,
) -> Result<Vec<WalkAnswer>, E> {
    let answers = try_in_parallel(questions, AT_ONCE, |question| match ask(question, SMALL) {
        Err(error) if is_too_large(&error) => Ok(None),
        answer => answer.map(Some),
    })?;
    let (mut all, mut large) = (Vec::with_capacity(answers.len()), Vec::new());
    for (question, answer) in questions.iter().zip(answers) {
        if let Some(answer) = answer {
            all.push(answer);
            continue;
        }
        // The answer may have any size up to the limit, and the buffer for it grows by doubling.
        let reading = budget.hold(2 * MAX_MANIFEST).map_err(WalkError::from)?;
        let answer = ask(question, MAX_MANIFEST)?;
        drop(reading);
        large.push(budget.hold(taken_up_by(&answer)).map_err(WalkError::from)?);
        all.push(answer);
    }
    Ok(all)
}

/// How many bytes an answer takes in memory, including its parsed form.
fn taken_up_by(answer: &WalkAnswer) -> u64 {
    match answer {
        WalkAnswer::Found(found) => UNDERSTOOD * found.bytes.len() as u64,
        WalkAnswer::Listed(_) => MAX_MANIFEST,
        WalkAnswer::Nothing => 0,
    }
}
