//! Tables for spreadsheet programs, as tab-separated or comma-separated values: rows read with a program's quotation
//! marks, fields quoted, and texts that a program would run as formulas made harmless.

use std::borrow::Cow;

/// Puts an apostrophe before a text that a spreadsheet program would take for a formula, so that the program shows the
/// text; returns any other text as it is.
///
/// A program takes a cell for a formula if it begins with `=`, `+`, `-` or `@`, in ordinary or full width, perhaps after
/// white space or a control character (OWASP, "CSV Injection"). A text that has apostrophes before such a character gets
/// one more, so that [`restore_formula`] gives back every text unchanged.
pub(crate) fn neutralise_formula(text: &str) -> Cow<'_, str> {
    if is_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Removes the apostrophe that [`neutralise_formula`] put before a text.
pub(crate) fn restore_formula(cell: &str) -> &str {
    cell.strip_prefix('\'')
        .filter(|text| is_formula(text.trim_start_matches('\'')))
        .unwrap_or(cell)
}

/// Whether a spreadsheet program may take a cell with this text for a formula.
fn is_formula(text: &str) -> bool {
    let text_start = text.trim_start_matches(|c: char| c.is_control() || super::is_space(c));
    text.starts_with(['\t', '\r', '\n']) || text_start.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// Iterates over the rows of a table, each with the number of its first line, counted from 1. Blank lines are skipped.
///
/// Spreadsheets quote fields that hold quotation marks, separators or line ends, and double the marks within. A table is
/// read this way if all of its quotation marks agree with this rule; otherwise quotation marks are text, and each line is
/// a row.
pub(crate) struct TableRows<'a> {
    /// The text of the rows that are not read yet.
    rest: &'a str,
    /// The character between two fields: a tab or a comma, for example.
    separator: char,
    /// Number of the next line, counted from 1.
    line: usize,
    /// Whether fields may be quoted.
    quoted: bool,
}

impl<'a> TableRows<'a> {
    /// Prepares to read the table `text`; a byte order mark at its start is skipped.
    pub fn new(text: &'a str, separator: char) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rest = text;
        let mut quoted = true;
        while quoted && !rest.is_empty() {
            quoted = take_quoted_row(&mut rest, separator).is_some();
        }
        Self {
            rest: text,
            separator,
            line: 1,
            quoted,
        }
    }
}

impl<'a> Iterator for TableRows<'a> {
    type Item = (usize, Vec<Cow<'a, str>>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let before = self.rest;
            let row = if self.quoted {
                take_quoted_row(&mut self.rest, self.separator)?
            } else {
                take_unquoted_row(&mut self.rest, self.separator)
            };
            let line = self.line;
            let read = &before[..before.len() - self.rest.len()];
            self.line += read.matches('\n').count();
            if !read.trim().is_empty() {
                return Some((line, row));
            }
        }
        None
    }
}

/// Removes the first line from `rest` and returns its fields, in which quotation marks have no meaning.
fn take_unquoted_row<'a>(rest: &mut &'a str, separator: char) -> Vec<Cow<'a, str>> {
    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
    *rest = after;
    line.strip_suffix('\r')
        .unwrap_or(line)
        .split(separator)
        .map(Cow::Borrowed)
        .collect()
}

/// Removes the first row from `rest` and returns its fields, which may be quoted; none if a quotation mark is out of
/// place.
fn take_quoted_row<'a>(rest: &mut &'a str, separator: char) -> Option<Vec<Cow<'a, str>>> {
    let mut row = Vec::new();
    loop {
        let field = match rest.strip_prefix('"') {
            Some(inner) => {
                let mut end = 0;
                loop {
                    end += inner[end..].find('"')?;
                    if inner[end + 1..].starts_with('"') {
                        end += 2
                    } else {
                        break;
                    }
                }
                *rest = &inner[end + 1..];
                Cow::Owned(inner[..end].replace("\"\"", "\""))
            }
            None => {
                let end = rest.find([separator, '\n']).unwrap_or(rest.len());
                let (mut field, after) = rest.split_at(end);
                if after.starts_with('\n') {
                    field = field.strip_suffix('\r').unwrap_or(field);
                }
                *rest = after;
                if field.contains('"') {
                    return None;
                }
                Cow::Borrowed(field)
            }
        };
        row.push(field);
        if let Some(after) = rest.strip_prefix(separator) {
            *rest = after;
            continue;
        }
        let end = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'));
        match end {
            Some(after) => *rest = after,
            None if rest.is_empty() => {}
            None => return None,
        }
        return Some(row);
    }
}

/// Quotes a field if necessary, so that [`TableRows`] reads it back unchanged.
pub(crate) fn quote_field(text: &str, separator: char) -> Cow<'_, str> {
    if text.contains([separator, '\n', '\r', '"']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

/// Finds the columns called `names` in a table's row of column names, in upper or lower case. Returns the index of each
/// column, none for a missing one.
pub(crate) fn find_columns<const N: usize>(row: &[Cow<str>], names: [&str; N]) -> [Option<usize>; N] {
    names.map(|name| row.iter().position(|column| column.trim().eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// OWASP's page on CSV injection lists these beginnings; issue 19, kinds 20 and 30.
    #[test]
    fn formulas_get_an_apostrophe_and_other_texts_do_not() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0"),
            ("+66 2 123 4567", "'+66 2 123 4567"),
            ("-2+3", "'-2+3"),
            ("- ข้อแรก", "'- ข้อแรก"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1+1", "'＝1+1"),
            ("\t=1", "'\t=1"),
            ("\rx", "'\rx"),
            (" \u{200b}=1", "' \u{200b}=1"),
            ("'=1", "''=1"),
            ("ก=1", "ก=1"),
            ("'quoted'", "'quoted'"),
            ("'", "'"),
            ("", ""),
            ("5 - 3", "5 - 3"),
            ("–5", "–5"),
        ] {
            assert_eq!(neutralise_formula(text), cell);
            assert_eq!(restore_formula(cell), text);
        }
        // Text of a person or of an older table.
        assert_eq!(restore_formula("'tis"), "'tis");
        assert_eq!(restore_formula("=1"), "=1");
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "['=+@ \t\r＝ก-]{0,6}") {
            let cell = neutralise_formula(&text);
            prop_assert_eq!(restore_formula(&cell), &text);
        }

        #[test]
        fn rows_come_back_from_their_fields(
            rows in prop::collection::vec(prop::collection::vec("[a,;\t\"\r\nก ]{0,6}", 2..4), 1..4),
            separator in prop::sample::select(vec!['\t', ',', ';']),
        ) {
            let lines = rows.iter().map(|row| {
                let fields: Vec<_> = row.iter().map(|field| quote_field(field, separator)).collect();
                fields.join(&separator.to_string()) + "\r\n"
            });
            let table: String = lines.collect();
            let table = format!("\u{feff}{table}");
            let read = TableRows::new(&table, separator);
            // A row of white space only, such as two empty fields with a tab between, counts as a blank line.
            let is_blank = |row: &&Vec<String>| row.iter().all(|f| f.trim().is_empty() && !f.contains(['\r', '\n', separator])) && separator == '\t';
            let expected: Vec<&Vec<String>> = rows.iter().filter(|row| !is_blank(row)).collect();
            let read: Vec<Vec<String>> = read.map(|(_, row)| row.into_iter().map(Cow::into_owned).collect()).collect();
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), expected);
        }
    }
}
