//! Scans the characters of a document before it is parsed.
//!
//! The parser recurses with every bracket, so brackets are bounded before it runs. The scan also finds what
//! the parser does not read as it should. Descriptions of operations, fragments and variables are allowed
//! since the edition of September 2025. Comments and commas may stand between any two tokens, but the parser
//! trips over some of them when it looks ahead, as in `... # why` before a brace. The parser also drops the
//! name of an argument or of an input field that has no value. The scan and the parser could read some text differently (a string
//! without an end, `00`). The scan rejects such text or counts it like the parser, so that the text hides
//! nothing.

use std::ops::Range;

use super::{Fault, Limit, Limits, Unfit};

/// The byte order mark in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The measures of a document's text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// The number of tokens.
    pub(crate) tokens: usize,
    /// The places of what the parser must not see.
    blanks: Vec<Range<usize>>,
    /// The places of descriptions, which are also among the blanks.
    descriptions: Vec<Range<usize>>,
}

/// Checks a document's length, tokens and nesting against the limits.
///
/// # Errors
/// When the document is too long or too deep, or a string in it has no end.
pub(crate) fn scan(document: &str, limits: &Limits) -> Result<Scanned, Unfit> {
    Limit::DocumentBytes.check(document.len(), limits.document_bytes)?;
    let mut scanner = Scanner::new(document);
    let mut descriptions = Vec::new();
    let mut before = None;
    let mut last: Option<(Token<'_>, Range<usize>)> = None;
    while let Some(token) = scanner.next()? {
        if let Some((Token::String, place)) = &last
            && scanner.is_description(before, token)
        {
            scanner.blanks.push(place.clone());
            descriptions.push(place.clone());
        }
        scanner.tokens += 1;
        scanner.take(token)?;
        before = last.map(|(token, _)| token);
        last = Some((token, scanner.start..scanner.at));
    }
    Limit::Tokens.check(scanner.tokens, limits.tokens)?;
    Limit::Nesting.check(scanner.deepest, limits.nesting)?;
    Ok(Scanned {
        tokens: scanner.tokens,
        blanks: scanner.blanks,
        descriptions,
    })
}

impl Scanned {
    /// Returns the descriptions in the document, with their quotes.
    pub(crate) fn descriptions<'a>(&self, document: &'a str) -> Vec<&'a str> {
        let places = self.descriptions.iter();
        places.map(|place| &document[place.clone()]).collect()
    }

    /// Returns the document with blanks in place of what the parser must not see, so that all other places
    /// stay the same.
    pub(crate) fn blanked(&self, document: &str) -> String {
        let mut bytes = document.as_bytes().to_vec();
        for place in &self.blanks {
            for byte in &mut bytes[place.clone()] {
                if !matches!(byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
        }
        String::from_utf8(bytes).expect("whole characters were replaced by blanks")
    }
}

/// The relevant part of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Punctuator(u8),
    String,
    /// A number, or a token that only the parser can judge.
    Other,
}

/// An open bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Selection,
    Variables,
    List,
    /// Arguments or an input object, and what must come next.
    Pairs(Next),
}

/// The next part of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Name,
    Colon,
    Value,
}

struct Scanner<'a> {
    document: &'a str,
    /// The start of the last token.
    start: usize,
    at: usize,
    tokens: usize,
    open: Vec<Open>,
    deepest: usize,
    blanks: Vec<Range<usize>>,
}

impl<'a> Scanner<'a> {
    fn new(document: &'a str) -> Self {
        Self {
            document,
            start: 0,
            at: 0,
            tokens: 0,
            open: Vec::new(),
            deepest: 0,
            blanks: Vec::new(),
        }
    }

    /// Takes a token: opens and closes brackets, and holds pairs to their form.
    fn take(&mut self, token: Token<'a>) -> Result<(), Unfit> {
        let inside = self.open.last().copied();
        if inside == Some(Open::Pairs(Next::Colon)) && token != Token::Punctuator(b':') {
            return Err(Unfit::Unreadable(Fault {
                message: "an argument or an input field has no value: write `name: value`"
                    .to_owned(),
                place: None,
            }));
        }
        match (token, inside) {
            (Token::Punctuator(b'['), _) => self.open(Open::List),
            // Whether these are variables shows at the first one.
            (Token::Punctuator(b'('), _) => self.open(Open::Pairs(Next::Name)),
            (Token::Punctuator(b'{'), None | Some(Open::Selection)) => self.open(Open::Selection),
            (Token::Punctuator(b'{'), Some(_)) => self.open(Open::Pairs(Next::Name)),
            (Token::Punctuator(b'}' | b')' | b']'), _) => {
                self.open.pop();
                self.value_ends();
            }
            (Token::Punctuator(b':'), Some(Open::Pairs(Next::Colon))) => self.next_is(Next::Value),
            (Token::Punctuator(b'$'), Some(Open::Pairs(Next::Name))) => {
                self.open.pop();
                self.open.push(Open::Variables);
            }
            (Token::Name(_), Some(Open::Pairs(Next::Name))) => self.next_is(Next::Colon),
            (Token::Name(_) | Token::String | Token::Other, _) => self.value_ends(),
            (Token::Punctuator(_), _) => {}
        }
        Ok(())
    }

    fn open(&mut self, open: Open) {
        self.open.push(open);
        self.deepest = self.deepest.max(self.open.len());
    }

    /// Ends the value of the innermost pair, if one was expected.
    fn value_ends(&mut self) {
        if self.open.last() == Some(&Open::Pairs(Next::Value)) {
            self.next_is(Next::Name);
        }
    }

    fn next_is(&mut self, next: Next) {
        self.open.pop();
        self.open.push(Open::Pairs(next));
    }

    /// Returns true if the last token, a string between these two, is a description.
    fn is_description(&self, before: Option<Token<'a>>, after: Token<'a>) -> bool {
        match (self.open.as_slice(), after) {
            // A definition ends with a brace.
            ([], Token::Name("query" | "mutation" | "subscription" | "fragment")) => {
                matches!(before, None | Some(Token::Punctuator(b'}')))
            }
            // The first variable shows only now that the bracket has variables.
            ([Open::Variables | Open::Pairs(Next::Name)], Token::Punctuator(b'$')) => {
                !matches!(before, Some(Token::Punctuator(b':' | b'=')))
            }
            _ => false,
        }
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, Unfit> {
        loop {
            let Some(byte) = self.peek(0) else {
                return Ok(None);
            };
            self.start = self.at;
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b',' => {
                    self.at += 1;
                    self.blanks.push(self.start..self.at);
                }
                b'#' => {
                    self.skip(|byte| !matches!(byte, b'\n' | b'\r'));
                    self.blanks.push(self.start..self.at);
                }
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
                _ if self.rest().starts_with(BYTE_ORDER_MARK) => {
                    self.at += BYTE_ORDER_MARK.len();
                    self.blanks.push(self.start..self.at);
                }
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
                    return Ok(Token::String);
                } else {
                    self.at += 1;
                }
                continue;
            }
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(Token::String);
                }
                b'\n' | b'\r' => break,
                // The escaped character may be a quote, but not a line break.
                b'\\' if !matches!(self.peek(1), Some(b'\n' | b'\r')) => self.at += 2,
                _ => self.at += 1,
            }
        }
        Err(Unfit::Unreadable(Fault {
            message: "a string in the document has no end: close it with quotes".to_owned(),
            place: None,
        }))
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
    fn a_name_without_a_value_is_refused() {
        for bad in [
            "{ a(b) }",
            "{ a(b c: 1) }",
            "{ a(b: 1 c) }",
            "{ a(b: {c}) }",
            "{ a(b: [{c: $d e}]) }",
            "{ a @b(c: {d: [1] e}) }",
            "query ($a: A = {b}) { a }",
            "query Q @a(b) { a }",
        ] {
            assert!(matches!(refusal(bad), Unfit::Unreadable(_)), "{bad}");
        }
        for good in [
            "query ($a: [A!]! = [{b: c}] @d(e: f), $g: H) { a(b: $a, c: {d: $g e: [f, g]}) { h } }",
            "{ a: b(c: {}) { d } e(f: []) }",
            "query ($a: B = c) { a @b(c: $a) }",
        ] {
            assert!(scan(good, &Limits::DEFAULT).is_ok(), "{good}");
        }
    }

    #[test]
    fn the_parser_does_not_see_everything() {
        let blanked = |document: &str| {
            let scanned = scan(document, &Limits::DEFAULT).unwrap();
            let blanked = scanned.blanked(document);
            assert_eq!(blanked.len(), document.len());
            blanked.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        for (document, expected) in [
            (r#""what" query Q { a }"#, "query Q { a }"),
            (
                "\"\"\"a\n\"b\" é\"\"\" fragment F on A { a }",
                "fragment F on A { a }",
            ),
            (
                r#"query ("one" $a: Int = 1 "two" $b: S = "x" "three" $c: S) { a }"#,
                r#"query ( $a: Int = 1 $b: S = "x" $c: S) { a }"#,
            ),
            (
                r#"query A { a } "what" query B { b }"#,
                "query A { a } query B { b }",
            ),
            // The parser judges all other strings.
            (r#""what" { a }"#, r#""what" { a }"#),
            (r#"query "what" query { a }"#, r#"query "what" query { a }"#),
            (
                r#""what" "else" query { a }"#,
                r#""what" "else" query { a }"#,
            ),
            (
                r#"{ a(b: ["x" $c], d: "e" f: $g) }"#,
                r#"{ a(b: ["x" $c] d: "e" f: $g) }"#,
            ),
            (
                r#"query @d(a: "x" $b: 1) { a }"#,
                r#"query @d(a: "x" $b: 1) { a }"#,
            ),
        ] {
            assert_eq!(blanked(document), expected);
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
