//! Finds the next token, and what it allows after it.

use super::scanner::{CollectionAt, MAX_DEPTH, Scanner, SimpleKey};
use super::token::YamlToken;
use crate::chart::yaml::problem::YamlProblem;

impl<'a> Scanner<'a> {
    /// Finds the next token and adds it to the queue.
    pub(super) fn fetch(&mut self) -> Result<(), YamlProblem> {
        self.input.fill(1)?;
        self.skip_to_token()?;
        self.unroll(self.column());
        self.input.fill(4)?;
        let input = &self.input;
        if input.is_end(0) {
            return self.fetch_end();
        }
        match input.peek(0) {
            b'%' if input.column() == 0 => self.fetch_directive(),
            b'-' if input.is_marker(b'-') => self.fetch_marker(YamlToken::DocumentStart),
            b'.' if input.is_marker(b'.') => self.fetch_marker(YamlToken::DocumentEnd),
            b'[' => self.fetch_opening(YamlToken::FlowListStart),
            b'{' => self.fetch_opening(YamlToken::FlowMapStart),
            b']' => self.fetch_closing(YamlToken::FlowListEnd),
            b'}' => self.fetch_closing(YamlToken::FlowMapEnd),
            b',' => {
                self.forget_key()?;
                self.key_allowed = true;
                self.push_indicator(YamlToken::FlowEntry, 1);
                Ok(())
            }
            b'-' if input.is_space(1) => self.fetch_entry(),
            b'?' if self.in_brackets() || input.is_space(1) => self.fetch_key(),
            b':' if self.in_brackets() || input.is_space(1) => self.fetch_value(),
            b'*' => self.fetch_name(YamlToken::Alias),
            b'&' => self.fetch_name(YamlToken::Anchor),
            b'!' => self.fetch_tag(),
            b'|' if !self.in_brackets() => self.fetch_block_scalar(true),
            b'>' if !self.in_brackets() => self.fetch_block_scalar(false),
            b'\'' => self.fetch_quoted(true),
            b'"' => self.fetch_quoted(false),
            // No space follows them, or this would be an entry, a key or a value.
            b'-' | b'?' | b':' => self.fetch_plain(),
            b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => {
                Err(self.problem("found character that cannot start any token"))
            }
            _ if input.is_space(0) => {
                Err(self.problem("found a tab character where an indentation space is expected"))
            }
            _ => self.fetch_plain(),
        }
    }

    /// Ends all collections, at a mark at the beginning of a line or at the end of the text.
    fn end_collections(&mut self) -> Result<(), YamlProblem> {
        self.unroll(-1);
        self.forget_key()?;
        self.key_allowed = false;
        Ok(())
    }

    fn fetch_end(&mut self) -> Result<(), YamlProblem> {
        self.input.end_line();
        self.end_collections()?;
        self.push(YamlToken::End);
        Ok(())
    }

    fn fetch_marker(&mut self, token: YamlToken<'a>) -> Result<(), YamlProblem> {
        self.end_collections()?;
        self.push_indicator(token, 3);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), YamlProblem> {
        self.end_collections()?;
        let token = self.scan_directive()?;
        self.push(token);
        Ok(())
    }

    fn fetch_opening(&mut self, token: YamlToken<'a>) -> Result<(), YamlProblem> {
        self.note_key()?;
        let number = self.taken + self.waiting.len();
        // Keys inside of the brackets are tracked on their own; the opening token belongs to the level outside.
        self.push_indicator(token, 1);
        self.keys.push(SimpleKey {
            possible: false,
            required: false,
            token: number,
            place: self.input.place(),
        });
        if self.keys.len() > MAX_DEPTH + 1 {
            return Err(self.problem("exceeded max depth of 10000"));
        }
        self.key_allowed = true;
        Ok(())
    }

    fn fetch_closing(&mut self, token: YamlToken<'a>) -> Result<(), YamlProblem> {
        self.forget_key()?;
        if self.in_brackets()
            && let Some(key) = self.keys.pop()
        {
            // After empty brackets, go-yaml forgets that the brackets may be a key (yaml_parser_decrease_flow_level).
            self.release(key.token);
        }
        self.key_allowed = false;
        self.push_indicator(token, 1);
        Ok(())
    }

    fn fetch_entry(&mut self) -> Result<(), YamlProblem> {
        // Inside of brackets an entry is wrong too; the parser reports that.
        if !self.in_brackets() {
            if !self.key_allowed {
                return Err(self.problem("block sequence entries are not allowed in this context"));
            }
            self.roll(self.column(), &CollectionAt::Here, false)?;
        }
        self.forget_key()?;
        self.key_allowed = true;
        self.push_indicator(YamlToken::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), YamlProblem> {
        if !self.in_brackets() {
            if !self.key_allowed {
                return Err(self.problem("mapping keys are not allowed in this context"));
            }
            self.roll(self.column(), &CollectionAt::Here, true)?;
        }
        self.forget_key()?;
        self.key_allowed = !self.in_brackets();
        self.push_indicator(YamlToken::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), YamlProblem> {
        let level = self.keys.len() - 1;
        if self.is_possible(level)? {
            let (token, column) = (self.keys[level].token, self.keys[level].place.column);
            self.keys[level].possible = false;
            match self.queued(token) {
                Some(waiting) => (waiting.key, waiting.may_be_key) = (true, None),
                // The token was handed out already. go-yaml adds the Key token nevertheless, too late.
                None => self.push(YamlToken::Key),
            }
            let column = isize::try_from(column).unwrap_or(isize::MAX);
            self.roll(column, &CollectionAt::Before(token), true)?;
            self.key_allowed = false;
        } else {
            if !self.in_brackets() {
                if !self.key_allowed {
                    return Err(self.problem("mapping values are not allowed in this context"));
                }
                self.roll(self.column(), &CollectionAt::Here, true)?;
            }
            self.key_allowed = !self.in_brackets();
        }
        self.push_indicator(YamlToken::Value, 1);
        Ok(())
    }

    fn fetch_name(&mut self, token: fn(&'a str) -> YamlToken<'a>) -> Result<(), YamlProblem> {
        self.note_key()?;
        self.key_allowed = false;
        self.input.skip();
        self.input.fill(1)?;
        let from = self.input.at();
        while self.input.is_word() {
            self.input.skip();
            self.input.fill(1)?;
        }
        let name = self.input.since(from);
        let ends = self.input.is_space(0) || b"?:,]}%@`".contains(&self.input.peek(0));
        if name.is_empty() || !ends {
            return Err(self.problem("did not find expected alphabetic or numeric character"));
        }
        self.push(token(name));
        Ok(())
    }

    fn fetch_tag(&mut self) -> Result<(), YamlProblem> {
        self.note_key()?;
        self.key_allowed = false;
        let token = self.scan_tag()?;
        self.push(token);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, literal: bool) -> Result<(), YamlProblem> {
        self.forget_key()?;
        self.key_allowed = true;
        let text = self.scan_block_scalar(literal)?;
        self.push(YamlToken::Scalar(text, false));
        Ok(())
    }

    fn fetch_quoted(&mut self, single: bool) -> Result<(), YamlProblem> {
        self.note_key()?;
        self.key_allowed = false;
        let text = self.scan_quoted(single)?;
        self.push(YamlToken::Scalar(text, false));
        Ok(())
    }

    fn fetch_plain(&mut self) -> Result<(), YamlProblem> {
        self.note_key()?;
        self.key_allowed = false;
        let text = self.scan_plain()?;
        self.push(YamlToken::Scalar(text, true));
        Ok(())
    }
}
