//! What a change came to, beside that it was carried out.

/// Warnings that are kept; of others only how many there are.
const WARNINGS: usize = 5;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// The row's revision after it.
    pub rev: u64,
    /// What breaks a schema that only warns.
    pub warnings: Vec<String>,
    /// How many more of them there were.
    pub more_warnings: usize,
    /// Rows that were deleted along, since they named a deleted row.
    pub deleted: usize,
    /// Rows that lost what they named.
    pub cleared: usize,
    /// Rows that were to become what they are, and stay at their revision.
    pub unchanged: usize,
}

impl Changed {
    pub fn to(rev: u64) -> Changed {
        Changed {
            rev,
            ..Changed::default()
        }
    }

    /// The row is like that already.
    pub fn nothing(rev: u64) -> Changed {
        Changed {
            rev,
            unchanged: 1,
            ..Changed::default()
        }
    }

    pub fn warn(&mut self, warning: String) {
        if self.warnings.len() < WARNINGS {
            self.warnings.push(warning);
        } else {
            self.more_warnings += 1;
        }
    }

    pub fn add_warnings(&mut self, other: Changed) {
        self.more_warnings += other.more_warnings;
        for warning in other.warnings {
            self.warn(warning);
        }
    }

    /// Takes in what another change of the same write came to.
    pub fn add(&mut self, other: Changed) {
        self.deleted += other.deleted;
        self.cleared += other.cleared;
        self.unchanged += other.unchanged;
        self.add_warnings(other);
    }
}
