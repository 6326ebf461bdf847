//! The figures as a table for people, and for the documents.

use std::fmt::Display;
use std::path::Path;

use super::{Goal, Measurement};

/// A Markdown table, its columns padded so that it can be read as it is.
/// Without any goal, the columns for it are left out.
pub fn table<'a>(all: impl IntoIterator<Item = &'a Measurement>) -> String {
    let all: Vec<&Measurement> = all.into_iter().collect();
    let lines = all.iter().copied().map(line);
    if all.iter().any(|measurement| measurement.goal.is_some()) {
        return aligned(["measured", "result", "goal", ""].map(str::to_owned), lines);
    }
    let lines = lines.map(|[name, value, ..]| [name, value]);
    aligned(["measured", "result"].map(str::to_owned), lines)
}

/// A Markdown table of cells, its columns padded.
pub fn aligned<const COLUMNS: usize>(
    header: [String; COLUMNS],
    lines: impl Iterator<Item = [String; COLUMNS]>,
) -> String {
    let mut rows = vec![header];
    rows.extend(lines);
    let mut widths = [3; COLUMNS];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let rule = widths.map(|width| "-".repeat(width));
    rows.insert(1, rule);
    let mut text = String::new();
    for row in rows {
        for (cell, width) in row.iter().zip(widths) {
            let padding = " ".repeat(width - cell.chars().count());
            text.push_str(&format!("| {cell}{padding} "));
        }
        text.push_str("|\n");
    }
    text
}

/// The document with the table between the markers of this name: `<!-- bench:name -->`.
///
/// # Errors
/// The marker that is missing.
pub fn into_document(document: &str, name: &str, table: &str) -> Result<String, String> {
    let [begin, end] = ["", "/"].map(|slash| format!("<!-- {slash}bench:{name} -->"));
    let missing = |marker: &str| format!("there is no line `{marker}`.");
    let (before, rest) = document.split_once(&begin).ok_or_else(|| missing(&begin))?;
    let (_, after) = rest.split_once(&end).ok_or_else(|| missing(&end))?;
    Ok(format!("{before}{begin}\n{table}{end}{after}"))
}

/// Puts tables into a document in a file, each by its name.
///
/// # Errors
/// The file, and what is wrong with it.
pub fn write_into(file: &Path, tables: &[(&str, String)]) -> Result<(), String> {
    let named = |problem: &dyn Display| format!("{}: {problem}", file.display());
    let mut document = std::fs::read_to_string(file).map_err(|error| named(&error))?;
    for (name, table) in tables {
        document = into_document(&document, name, table).map_err(|error| named(&error))?;
    }
    std::fs::write(file, document).map_err(|error| named(&error))
}

/// Whether a goal is met, where there is one.
pub fn met(is_met: Option<bool>) -> &'static str {
    match is_met {
        None => "",
        Some(true) => "met",
        Some(false) => "**missed**",
    }
}

fn line(measurement: &Measurement) -> [String; 4] {
    let Measurement {
        name,
        value,
        unit,
        goal,
    } = measurement;
    let goal = match goal {
        None => String::new(),
        Some(Goal::AtMost(most)) => format!("at most {}", number(*most)),
        Some(Goal::Below(limit)) => format!("below {}", number(*limit)),
        Some(Goal::Exactly(value)) => number(*value),
    };
    let met = met(measurement.is_met()).to_owned();
    [name.clone(), counted(*value, unit), goal, met]
}

/// `1 request`, `2 requests`, `3 KiB`
fn counted(value: f64, unit: &str) -> String {
    let value = number(value);
    // A lone `s` is seconds.
    let one = unit.strip_suffix('s').filter(|one| !one.is_empty());
    let unit = one.filter(|_| value == "1").unwrap_or(unit);
    format!("{value} {unit}")
}

/// With commas between thousands, and no more than two decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction.trim_end_matches('0') {
        "" => grouped,
        fraction => format!("{grouped}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_short() {
        for (value, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (1_234_567.891, "1,234,567.89"),
            (0.999, "1"),
            (2.5, "2.5"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn one_is_singular() {
        for (value, unit, text) in [
            (1.0, "requests", "1 request"),
            (1.0, "round trips", "1 round trip"),
            (1.04, "requests", "1.04 requests"),
            (0.0, "requests", "0 requests"),
            (1.0, "s", "1 s"),
            (1.0, "KiB", "1 KiB"),
        ] {
            assert_eq!(counted(value, unit), text);
        }
    }

    #[test]
    fn without_goals_there_is_no_column_for_them() {
        let table = table(&[Measurement::new("a", 2.0, "requests")]);
        let last = table.lines().last().unwrap();
        assert_eq!(last.matches('|').count(), 3, "{table}");
        assert!(!table.contains("goal"), "{table}");
    }

    #[test]
    fn goals_are_met_or_missed() {
        let measured = |value| Measurement::new("a", value, "s");
        let all = [
            measured(1.0).at_most(1),
            measured(1.1).at_most(1),
            measured(2.5).goal(Goal::Below(2.5)),
            measured(0.0).goal(Goal::Exactly(0.0)),
            measured(7.0),
        ];
        let table = table(&all);
        let last: Vec<&str> = table
            .lines()
            .skip(2)
            .map(|line| line.split('|').nth(4).unwrap_or_default().trim())
            .collect();
        assert_eq!(last, ["met", "**missed**", "**missed**", "met", ""]);
    }

    #[test]
    fn a_document_keeps_what_is_around_the_table() {
        let document = "<!-- bench:b -->\na\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n";
        let new = into_document(document, "x", "new\n").unwrap();
        assert_eq!(new, document.replace("old", "new"));
        assert_eq!(into_document(&new, "x", "new\n").unwrap(), new);
        let missing = into_document(document, "b", "new\n").unwrap_err();
        assert!(missing.contains("<!-- /bench:b -->"), "{missing}");
    }
}
