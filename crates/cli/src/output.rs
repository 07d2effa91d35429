//! Standard output: the result and nothing else, as a table or as one JSON object.

use std::io::{self, Write};

use serde_json::Value;

/// Where results go.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// One result: names and values.
    pub(crate) fn record(&self, record: &Value) -> io::Result<()> {
        if self.json {
            return self.text(&record.to_string());
        }
        let Value::Object(fields) = record else { return self.text(&shown(record)) };
        let width = fields.keys().map(|name| name.chars().count()).max().unwrap_or(0);
        let lines = fields.iter().map(|(name, value)| {
            let name = name.replace('_', " ");
            format!("{name:<width$}  {}", shown(value)).trim_end().to_owned()
        });
        self.lines(lines)
    }

    /// Results of one kind, one line each, below the names of these fields.
    pub(crate) fn list(&self, name: &str, fields: &[&str], rows: &[Value]) -> io::Result<()> {
        if self.json {
            return self.text(&serde_json::json!({ name: rows }).to_string());
        }
        let mut table = vec![fields.iter().map(|field| field.replace('_', " ")).collect()];
        let cells = |row: &Value| fields.iter().map(|field| shown(&row[*field])).collect();
        table.extend(rows.iter().map(cells));
        self.lines(aligned(&table))
    }

    /// One event of many, as it comes.
    pub(crate) fn event(&self, sequence: u64, at_ms: u64, text: &str) -> io::Result<()> {
        if self.json {
            let event = serde_json::json!({ "sequence": sequence, "at_ms": at_ms, "event": text });
            return self.text(&event.to_string());
        }
        self.text(&format!("{sequence:>6}  {text}"))
    }

    /// A text that is the result itself, or the same as one JSON object.
    pub(crate) fn document(&self, text: &str, value: &Value) -> io::Result<()> {
        if self.json { self.text(&value.to_string()) } else { self.text(text.trim_end()) }
    }

    /// A text that is the result itself, such as a script or a blob's address.
    pub(crate) fn text(&self, text: &str) -> io::Result<()> {
        self.lines([text.to_owned()])
    }

    fn lines(&self, lines: impl IntoIterator<Item = String>) -> io::Result<()> {
        let mut output = io::stdout().lock();
        for line in lines {
            match writeln!(output, "{line}") {
                // Whoever read had enough, as `head` has.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                other => other?,
            }
        }
        output.flush()
    }
}

/// A value as people read it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Columns of equal width.
fn aligned(table: &[Vec<String>]) -> Vec<String> {
    let columns = table.first().map_or(0, Vec::len);
    let width = |column: usize| {
        table.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    table.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_end_without_blanks() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let lines = aligned(&[row(["node", "status"]), row(["1", "on"]), row(["1000", "-"])]);
        assert_eq!(lines, ["node  status", "1     on", "1000  -"]);
    }

    #[test]
    fn values_are_shown_without_quotes() {
        let value = serde_json::json!(["a", 1, null, true]);
        assert_eq!(shown(&value), "a, 1, -, true");
    }
}
