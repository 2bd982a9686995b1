//! The questions of a walk, asked of a registry: several at once, and few large answers at any time.

use crate::graph::{WalkAnswer, WalkError, WalkQuestion};
use crate::limits::{Budget, MAX_MANIFEST};
use crate::threads::try_in_parallel;

/// So many requests are on their way at once.
const AT_ONCE: usize = 4;
/// A manifest or a list that is larger, in bytes, is fetched when no other is on its way. Almost all are smaller than a tenth
/// of this.
const SMALL: u64 = 64 << 10;
/// A manifest that is understood takes up so many times its bytes.
const UNDERSTOOD: u64 = 3;

/// Asks for what is small at once; what turns out to be larger comes one by one, and is counted before and when it is there.
///
/// `ask` answers one question by at most so many bytes; where there are more, `is_too_large` knows its error. The answers have
/// the questions' places.
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
        // It may be as large as any, and what it is read into grows by doubling.
        let reading = budget.hold(2 * MAX_MANIFEST).map_err(WalkError::from)?;
        let answer = ask(question, MAX_MANIFEST)?;
        drop(reading);
        large.push(budget.hold(taken_up_by(&answer)).map_err(WalkError::from)?);
        all.push(answer);
    }
    Ok(all)
}

/// How many bytes an answer takes up in memory, with what is made of it when it is understood.
fn taken_up_by(answer: &WalkAnswer) -> u64 {
    match answer {
        WalkAnswer::Found(found) => UNDERSTOOD * found.bytes.len() as u64,
        WalkAnswer::Listed(_) => MAX_MANIFEST,
        WalkAnswer::Nothing => 0,
    }
}
