//! Scans the characters of a document before it is parsed.
//!
//! The parser recurses with every bracket, so brackets are bounded before it runs. Its tree keeps one value
//! for each name in an input object, so duplicate names are found here too. The scan and the parser could
//! read some text differently (a string without an end, `00`). The scan rejects such text or counts it like
//! the parser, so that the text hides nothing.

use std::collections::HashSet;

use super::{Limit, Limits, Unfit};

/// Checks a document's length, tokens, nesting and input objects against the limits and the rules. Returns
/// the number of its tokens.
///
/// # Errors
/// When the document is too long or too deep, a string in it has no end, or an input object has a field
/// twice.
pub(crate) fn scan(document: &str, limits: &Limits) -> Result<usize, Unfit> {
    Limit::DocumentBytes.hold(document.len(), limits.document_bytes)?;
    let mut scanner = Scanner::new(document);
    while let Some(token) = scanner.next()? {
        scanner.tokens += 1;
        scanner.take(token)?;
    }
    Limit::Tokens.hold(scanner.tokens, limits.tokens)?;
    Limit::Nesting.hold(scanner.deepest, limits.nesting)?;
    Ok(scanner.tokens)
}

/// The relevant part of a token.
enum Token<'a> {
    Name(&'a str),
    Punctuator(u8),
    /// A number, a string, or a token that only the parser can judge.
    Other,
}

/// An open bracket.
enum Open<'a> {
    /// A selection set.
    Selection,
    /// Arguments, variables or a list; braces within are an input object.
    Values,
    /// An input object, and the names of its fields so far.
    Object(HashSet<&'a str>),
}

struct Scanner<'a> {
    document: &'a str,
    at: usize,
    tokens: usize,
    open: Vec<Open<'a>>,
    deepest: usize,
    /// The last token, if it was a name.
    name: Option<&'a str>,
}

impl<'a> Scanner<'a> {
    fn new(document: &'a str) -> Self {
        Self {
            document,
            at: 0,
            tokens: 0,
            open: Vec::new(),
            deepest: 0,
            name: None,
        }
    }

    fn take(&mut self, token: Token<'a>) -> Result<(), Unfit> {
        let name = self.name.take();
        match token {
            Token::Name(name) => self.name = Some(name),
            Token::Punctuator(b'{') => {
                let open = match self.open.last() {
                    None | Some(Open::Selection) => Open::Selection,
                    Some(Open::Values | Open::Object(_)) => Open::Object(HashSet::new()),
                };
                self.open(open);
            }
            Token::Punctuator(b'(' | b'[') => self.open(Open::Values),
            Token::Punctuator(b'}' | b')' | b']') => {
                self.open.pop();
            }
            Token::Punctuator(b':') => {
                if let (Some(name), Some(Open::Object(names))) = (name, self.open.last_mut())
                    && !names.insert(name)
                {
                    return Err(Unfit::Invalid(format!(
                        "the input field {name:?} is given twice: give it once"
                    )));
                }
            }
            Token::Punctuator(_) | Token::Other => {}
        }
        Ok(())
    }

    fn open(&mut self, open: Open<'a>) {
        self.open.push(open);
        self.deepest = self.deepest.max(self.open.len());
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, Unfit> {
        loop {
            let Some(byte) = self.peek(0) else {
                return Ok(None);
            };
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b',' => self.at += 1,
                b'#' => self.skip(|byte| !matches!(byte, b'\n' | b'\r')),
                b'"' => return self.string().map(Some),
                b'-' | b'0'..=b'9' => return Ok(Some(self.number())),
                b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                    let start = self.at;
                    self.skip(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
                    return Ok(Some(Token::Name(&self.document[start..self.at])));
                }
                b'.' if self.rest().starts_with(b"...") => {
                    self.at += 3;
                    return Ok(Some(Token::Other));
                }
                byte if byte.is_ascii() => {
                    self.at += 1;
                    return Ok(Some(Token::Punctuator(byte)));
                }
                // Outside of strings and comments only a byte order mark is allowed, which is not a token.
                _ => self.at += 1,
            }
        }
    }

    fn string(&mut self) -> Result<Token<'a>, Unfit> {
        let block = self.rest().starts_with(br#"""""#);
        self.at += if block { 3 } else { 1 };
        while let Some(byte) = self.peek(0) {
            if block {
                if self.rest().starts_with(br#"\""""#) {
                    self.at += 4;
                } else if self.rest().starts_with(br#"""""#) {
                    self.at += 3;
                    return Ok(Token::Other);
                } else {
                    self.at += 1;
                }
                continue;
            }
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(Token::Other);
                }
                b'\n' | b'\r' => break,
                // The escaped character may be a quote, but not a line break.
                b'\\' if !matches!(self.peek(1), Some(b'\n' | b'\r')) => self.at += 2,
                _ => self.at += 1,
            }
        }
        Err(Unfit::Unreadable(
            "a string in the document has no end: close it with quotes".to_owned(),
        ))
    }

    fn number(&mut self) -> Token<'a> {
        if self.peek(0) == Some(b'-') {
            self.at += 1;
        }
        if self.peek(0) == Some(b'0') {
            // The parser takes `00` for two numbers, so it counts as two.
            self.at += 1;
        } else {
            self.digits();
        }
        if self.peek(0) == Some(b'.') && self.peek(1).is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
            self.digits();
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(0), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits();
        }
        Token::Other
    }

    fn digits(&mut self) {
        self.skip(|byte| byte.is_ascii_digit());
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&skipped) {
            self.at += 1;
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.rest().get(ahead).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.document.as_bytes().get(self.at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(document: &str) -> usize {
        let mut scanner = Scanner::new(document);
        let mut tokens = 0;
        while scanner.next().unwrap().is_some() {
            tokens += 1;
        }
        tokens
    }

    fn refusal(document: &str) -> Unfit {
        scan(document, &Limits::DEFAULT).unwrap_err()
    }

    #[test]
    fn tokens_are_counted_as_the_specification_does() {
        for (document, expected) in [
            ("", 0),
            ("# only a comment, and no more", 0),
            ("\u{feff}{ a, b }", 4),
            ("query Q($a: [Int!]! = -1.5e-3) { ...F }", 18),
            (r#"{ a(b: "x \" { y", c: """ " \""" { """) }"#, 11),
            ("[1-1-1]", 5),
            ("[0000]", 6),
            ("... on X", 3),
            ("1...2", 3),
        ] {
            assert_eq!(tokens(document), expected, "{document}");
        }
    }

    #[test]
    fn an_input_field_is_given_once() {
        for bad in [
            "{ a(b: {c: 1, c: 2}) }",
            "{ a(b: [{c: {d: 1, d: 1}}]) }",
            "query ($a: A = {b: 1 b: 2}) { a }",
            "{ a @b(c: {d: 1, d: 2}) }",
        ] {
            assert!(matches!(refusal(bad), Unfit::Invalid(_)), "{bad}");
        }
        for good in [
            "{ a: b { a: c } c: d }",
            "{ a(b: {c: {c: {c: 1}}, d: {c: 1}}) }",
            "{ a(b: [{c: 1}, {c: 1}]) { c: d } }",
        ] {
            assert!(scan(good, &Limits::DEFAULT).is_ok(), "{good}");
        }
    }

    #[test]
    fn nothing_hides_in_a_string_without_an_end() {
        for bad in [
            "{ a(b: \"c",
            "{ a(b: \"c\n\") }",
            "{ a(b: \"\\\n\") }",
            "{ a(b: [\"\"\"x\" {c: {c: 1}}]) }",
            "\"\"\"",
            "\"\\",
        ] {
            assert!(matches!(refusal(bad), Unfit::Unreadable(_)), "{bad:?}");
        }
    }
}
