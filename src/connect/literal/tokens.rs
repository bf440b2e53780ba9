//! `Values.Parser`: a text cut at the characters that structure it.

pub(super) struct Tokens<'a> {
    original: &'a str,
    position: usize,
    /// Looked at and not taken.
    next: Option<&'a str>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(original: &'a str) -> Self {
        Self {
            original,
            position: 0,
            next: None,
        }
    }

    pub(super) fn original(&self) -> &'a str {
        self.original
    }

    pub(super) fn has_next(&self) -> bool {
        self.next.is_some() || self.is_inside()
    }

    fn is_inside(&self) -> bool {
        self.position < self.original.len()
    }

    pub(super) fn mark(&self) -> usize {
        self.position - self.next.map_or(0, str::len)
    }

    pub(super) fn rewind(&mut self, mark: usize) {
        self.position = mark;
        self.next = None;
    }

    pub(super) fn next(&mut self) -> &'a str {
        match self.next.take() {
            Some(token) => token,
            None => self.cut(),
        }
    }

    /// The text of four tokens, if there are as many.
    pub(super) fn next_four(&mut self) -> Option<&'a str> {
        let start = self.mark();
        for _ in 0..4 {
            if !self.has_next() {
                self.rewind(start);
                return None;
            }
            self.next();
        }
        Some(&self.original[start..self.position])
    }

    /// Takes the next token if it is `expected`; blank ones before it are skipped.
    pub(super) fn consume(&mut self, expected: &str) -> bool {
        if self.next.is_none() {
            if !self.has_next() {
                return false;
            }
            self.next = Some(self.cut());
        }
        while self.next.is_some_and(|token| token.trim().is_empty()) && self.is_inside() {
            self.next = Some(self.cut());
        }
        let is_expected = self.next.is_some_and(|token| token.trim() == expected);
        if is_expected {
            self.next = None;
        }
        is_expected
    }

    /// Up to the next delimiter that no backslash escapes, or this delimiter.
    fn cut(&mut self) -> &'a str {
        let start = self.position;
        let mut escaped = false;
        for (index, char) in self.original[start..].char_indices() {
            match char {
                '\\' => escaped = !escaped,
                ':' | ',' | '{' | '}' | '[' | ']' | '"' if !escaped => {
                    self.position = start + index.max(1);
                    return &self.original[start..self.position];
                }
                _ => escaped = false,
            }
        }
        self.position = self.original.len();
        &self.original[start..]
    }
}
