//! Observations, and the table that they are printed in.

/// Something that Discord's documentation leaves open, as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub what: String,
    /// What dbcord and its simulator go by.
    pub expected: String,
    pub observed: String,
}

impl Fact {
    pub fn new(
        what: impl Into<String>,
        expected: impl Into<String>,
        observed: impl Into<String>,
    ) -> Fact {
        Fact {
            what: what.into(),
            expected: expected.into(),
            observed: observed.into(),
        }
    }
}

/// `fact | expected | observed`, a line each, the first two columns aligned.
pub fn table(facts: &[Fact]) -> String {
    let head = Fact::new("fact", "expected", "observed");
    let rows: Vec<Fact> = std::iter::once(&head).chain(facts).map(one_line).collect();
    let width = |cell: fn(&Fact) -> &str| {
        let widths = rows.iter().map(|row| cell(row).chars().count());
        widths.max().unwrap_or_default()
    };
    let (what, expected) = (width(|row| &row.what), width(|row| &row.expected));
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "{:what$} | {:expected$} | {}",
                row.what, row.expected, row.observed
            )
        })
        .collect();
    lines.insert(
        1,
        format!("{}-|-{}-|---------", "-".repeat(what), "-".repeat(expected)),
    );
    lines.join("\n")
}

/// What Discord says may contain anything; a table has lines.
fn one_line(fact: &Fact) -> Fact {
    let clean = |text: &str| -> String {
        let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        visible.collect::<String>().replace('|', "/")
    };
    Fact::new(
        clean(&fact.what),
        clean(&fact.expected),
        clean(&fact.observed),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_stay_lines() {
        let facts = [
            Fact::new("a", "long one", "x\ny|z"),
            Fact::new("longer", "b", "c"),
        ];
        let lines = [
            "fact   | expected | observed",
            "-------|----------|---------",
            "a      | long one | x y/z",
            "longer | b        | c",
        ];
        assert_eq!(table(&facts), lines.join("\n"));
    }
}
