//! Just enough reading of Rust and Solidity to tell code from comments and strings.

/// Which literals and comments to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    Solidity,
}

impl Language {
    /// By the ending of a path.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1 {
            "rs" => Some(Self::Rust),
            "sol" => Some(Self::Solidity),
            _ => None,
        }
    }
}

/// Replaces comments and strings by spaces. Every byte that stays keeps its offset.
pub(crate) fn mask(text: &str, language: Language) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hidden = hidden_length(rest, language);
        if hidden == 0 {
            // A name is copied whole, so that the `r` that ends it opens no raw string.
            let whole = rest.len() - rest.trim_start_matches(is_word).len();
            let taken = whole.max(first.len_utf8());
            masked.push_str(&rest[..taken]);
            rest = &rest[taken..];
        } else {
            for character in rest[..hidden].chars() {
                match character {
                    '\n' => masked.push('\n'),
                    other => masked.extend(std::iter::repeat_n(' ', other.len_utf8())),
                }
            }
            rest = &rest[hidden..];
        }
    }
    masked
}

/// Letters, digits and underscores.
pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Bytes of the comment or string that starts here; 0 when code starts here.
fn hidden_length(text: &str, language: Language) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return block_comment(text, language == Language::Rust);
    }
    if text.starts_with('"') {
        return quoted(text, '"');
    }
    match language {
        Language::Solidity if text.starts_with('\'') => quoted(text, '\''),
        Language::Solidity => 0,
        Language::Rust => raw_string(text).unwrap_or_else(|| character_literal(text)),
    }
}

fn block_comment(text: &str, nests: bool) -> usize {
    let mut depth = 0_usize;
    for (at, _) in text.char_indices() {
        if text[at..].starts_with("/*") && (nests || depth == 0) {
            depth += 1;
        } else if at > 2 && text[..at].ends_with("*/") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at;
            }
        }
    }
    text.len()
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `r"…"`, `r#"…"#`, `b"…"`, `br#"…"#`.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix('b').unwrap_or(text);
    let Some(raw) = after.strip_prefix('r') else {
        let prefix = text.len() - after.len();
        return (prefix == 1 && after.starts_with('"')).then(|| prefix + quoted(after, '"'));
    };
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    let inside = raw[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let opened = text.len() - inside.len();
    Some(inside.find(&end).map_or(text.len(), |at| opened + at + end.len()))
}

/// A character literal, not a lifetime.
fn character_literal(text: &str) -> usize {
    let Some(inside) = text.strip_prefix('\'') else { return 0 };
    let mut characters = inside.chars();
    match (characters.next(), characters.next()) {
        (Some('\\'), _) => quoted(text, '\''),
        (Some(only), Some('\'')) => 2 + only.len_utf8(),
        _ => 0,
    }
}

/// Number of the line, from 1, that holds the byte at `offset`.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// Offsets at which `word` stands with no letter, digit or underscore around it.
pub(crate) fn occurrences(text: &str, word: &str) -> Vec<usize> {
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(|&at| !text[..at].ends_with(is_word))
        .filter(|&at| !text[at + word.len()..].starts_with(is_word))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_disappear_and_lines_stay() {
        let text = "let a = \"x // {\"; // {\n/* { /* } */ */ let b = '{';\nlet c = r#\"\"{\"#;\n";
        let masked = mask(text, Language::Rust);
        assert!(!masked.contains('{'), "{masked}");
        assert_eq!(masked.len(), text.len());
        assert_eq!(masked.matches('\n').count(), 3);
        assert!(masked.contains("let b = "));
        assert!(masked.contains("let c = "));
    }

    #[test]
    fn lifetimes_are_code() {
        let text = "fn f<'a>(x: &'a str) -> char { '\\'' }";
        let masked = mask(text, Language::Rust);
        assert!(masked.contains("<'a>(x: &'a str)"), "{masked}");
        assert!(!masked.contains('\\'));
    }

    #[test]
    fn solidity_comments_do_not_nest_and_quotes_come_in_two_kinds() {
        let text = "/* /* */ uint a; string b = 'block.number'; /// block.number\n";
        let masked = mask(text, Language::Solidity);
        assert!(masked.contains("uint a;"), "{masked}");
        assert!(!masked.contains("block.number"), "{masked}");
    }

    #[test]
    fn a_name_ending_in_r_opens_no_raw_string() {
        assert!(mask("var \"x\" y", Language::Rust).ends_with(" y"));
        assert_eq!(mask("br\"a\"b", Language::Rust).trim(), "b");
    }

    #[test]
    fn occurrences_are_whole_words() {
        assert_eq!(occurrences("mod a; mod ab; mod a;", "mod a"), [0, 15]);
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }
}
