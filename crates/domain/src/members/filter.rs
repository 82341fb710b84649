//! Which members a list contains, and the text form of such a filter (a small part of AIP-160).

use crate::{AssignmentId, GroupId, Violation, ids::check_text};

/// The length, in bytes, that the text of a filter may have.
const TEXT_MAX: usize = 2_000;
const FORM: &str = "a filter is `group = ID`, `assignment = ID`, `status = ACTIVE`, `status = INACTIVE` or `text : WORDS`, \
                    or several of these joined by AND, each at most once; write a value with spaces in double quotes";

/// Which members are selected. A member must meet every condition that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberFilter {
    /// Only members of this group.
    pub group: Option<GroupId>,
    /// Only members of this assignment.
    pub assignment: Option<AssignmentId>,
    /// Only active members, or only inactive ones.
    pub active: Option<bool>,
    /// Only members whose id, address, name or job title contains this text. The case of A to Z does not count.
    pub text: Option<String>,
}

impl MemberFilter {
    /// Parses a filter. Empty text selects every member.
    ///
    /// # Errors
    /// A violation that says at which character the filter is wrong, and what is allowed.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if text.len() > TEXT_MAX {
            return Err(Violation::invalid("", format!("a filter has at most {TEXT_MAX} bytes")));
        }
        let mut tokens = Tokens { text, at: 0 };
        let mut filter = Self::default();
        if tokens.next()?.is_none() {
            return Ok(filter);
        }
        tokens.at = 0;
        loop {
            filter.take_condition(&mut tokens)?;
            match tokens.next()? {
                None => return Ok(filter),
                Some((_, Token::Word("AND"))) => {}
                Some((at, _)) => return Err(tokens.wrong(at, "there must be AND between two conditions")),
            }
        }
    }

    fn take_condition(&mut self, tokens: &mut Tokens<'_>) -> Result<(), Violation> {
        let (at, field) = tokens.word("a field is missing")?;
        let (at_operator, operator) = tokens.operator()?;
        let (at_value, value) = tokens.value()?;
        let expected = if field == "text" { ':' } else { '=' };
        let is_new = match field.as_str() {
            "group" => self.group.is_none(),
            "assignment" => self.assignment.is_none(),
            "status" => self.active.is_none(),
            "text" => self.text.is_none(),
            _ => return Err(tokens.wrong(at, &format!("there is no field `{field}`"))),
        };
        if !is_new {
            return Err(tokens.wrong(at, &format!("`{field}` is given twice")));
        }
        if operator != expected {
            return Err(tokens.wrong(at_operator, &format!("the operator of `{field}` is `{expected}`")));
        }
        let invalid = |violation: Violation| tokens.wrong(at_value, &violation.description);
        match field.as_str() {
            "group" => self.group = Some(GroupId::parse(&value).map_err(invalid)?),
            "assignment" => self.assignment = Some(AssignmentId::parse(&value).map_err(invalid)?),
            "text" => {
                check_text(&value, "text", 1, 254).map_err(invalid)?;
                self.text = Some(value);
            }
            _ => match value.as_str() {
                "ACTIVE" => self.active = Some(true),
                "INACTIVE" => self.active = Some(false),
                _ => return Err(tokens.wrong(at_value, &format!("`{value}` is no status"))),
            },
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'t> {
    /// Characters without spaces, quotes and operators.
    Word(&'t str),
    /// What was in double quotes.
    Quoted(String),
    Operator(char),
}

/// The rest of a filter. `at` counts bytes.
struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    /// Returns the next token with its place; `None` at the end.
    fn next(&mut self) -> Result<Option<(usize, Token<'t>)>, Violation> {
        let text = self.text;
        self.at += text[self.at..].len() - text[self.at..].trim_start().len();
        let (at, rest) = (self.at, &text[self.at..]);
        let token = match rest.chars().next() {
            None => return Ok(None),
            Some('"') => Token::Quoted(self.quoted()?),
            Some(operator @ ('=' | ':')) => {
                self.at += 1;
                Token::Operator(operator)
            }
            Some(_) => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '=' | ':');
                let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
                self.at += word.len();
                Token::Word(word)
            }
        };
        Ok(Some((at, token)))
    }

    /// Takes text in double quotes, in which a backslash escapes a quote or a backslash.
    fn quoted(&mut self) -> Result<String, Violation> {
        let (start, mut value) = (self.at, String::new());
        let mut chars = self.text[start + 1..].char_indices();
        while let Some((offset, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + 1 + offset + 1;
                    return Ok(value);
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                    _ => return Err(self.wrong(start + 1 + offset, "a backslash stands only before `\"` or `\\`")),
                },
                _ => value.push(c),
            }
        }
        Err(self.wrong(start, "the closing quote is missing"))
    }

    fn word(&mut self, missing: &str) -> Result<(usize, String), Violation> {
        match self.next()? {
            Some((at, Token::Word(word))) => Ok((at, word.to_owned())),
            Some((at, _)) => Err(self.wrong(at, missing)),
            None => Err(self.wrong(self.text.len(), missing)),
        }
    }

    fn operator(&mut self) -> Result<(usize, char), Violation> {
        match self.next()? {
            Some((at, Token::Operator(operator))) => Ok((at, operator)),
            Some((at, _)) => Err(self.wrong(at, "the operator `=` or `:` is missing")),
            None => Err(self.wrong(self.text.len(), "the operator `=` or `:` is missing")),
        }
    }

    fn value(&mut self) -> Result<(usize, String), Violation> {
        match self.next()? {
            Some((at, Token::Word(word))) => Ok((at, word.to_owned())),
            Some((at, Token::Quoted(value))) => Ok((at, value)),
            Some((at, Token::Operator(_))) => Err(self.wrong(at, "a value is missing")),
            None => Err(self.wrong(self.text.len(), "a value is missing")),
        }
    }

    /// Returns the violation at a byte of the filter. The message counts characters, from 1.
    fn wrong(&self, at: usize, what: &str) -> Violation {
        let position = self.text[..at].chars().count() + 1;
        Violation::invalid("", format!("at character {position} of the filter: {what}; {FORM}"))
    }
}
