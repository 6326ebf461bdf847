//! What a run can be found guilty of.

use std::fmt;

/// The laws, each the short name of a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// What clients saw can be explained by an order of whole operations that keeps to real time.
    Linearizable,
    /// Nothing is read that nobody wrote.
    Honest,
    /// What is read from messages is no more out of date than the answer says.
    Fresh,
    /// Whichever way the rows come, the answer is the same.
    Ways,
    /// Left in peace, the database answers.
    Available,
    /// Left in peace, the channels say what the rows are.
    Mirrored,
    /// What is deleted for good leaves no copy.
    Erased,
    /// Left in peace, nothing more is written to Discord.
    Idle,
    /// Money is neither made nor lost.
    Bank,
    /// Values that are to be unique are so, references lead somewhere, and rows fit their schemas.
    Rules,
    /// No 429 of our own making, no more requests than the host allows, no nonce used twice.
    Requests,
    /// What is not ours is left alone.
    Bystander,
    /// The code does not panic.
    NoPanic,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub law: Law,
    pub text: String,
}

impl Violation {
    pub fn new(law: Law, text: impl Into<String>) -> Violation {
        Violation {
            law,
            text: text.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let promise = match self.law {
            Law::Linearizable => "no order of the operations explains what clients saw",
            Law::Honest => "something was read that nobody wrote",
            Law::Fresh => "an answer from messages is more out of date than it says",
            Law::Ways => "another way to the rows leads to another answer",
            Law::Available => "left in peace, the database does not answer",
            Law::Mirrored => "the channels do not say what the rows are",
            Law::Erased => "something that was deleted for good is not gone",
            Law::Idle => "left in peace, the database goes on writing to Discord",
            Law::Bank => "the total of all accounts has changed",
            Law::Rules => "a rule of a table is broken",
            Law::Requests => "requests that must not be",
            Law::Bystander => "something that is not the database's was touched",
            Law::NoPanic => "a panic",
        };
        write!(f, "{promise}: {}", self.text)
    }
}
