//! What went wrong, told so that a person knows what happened, whether anything was written,
//! and what to do now.

use std::fmt;

/// What kind of trouble it is, for code that must decide whether trying again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input can never work as it is.
    InvalidInput,
    /// The input names something that does not exist.
    NotFound,
    /// The input contradicts what is stored.
    Conflict,
    /// Over a limit.
    TooLarge,
    /// The caller may not do this, or Discord does not let the bot do it.
    Forbidden,
    /// Discord or the host cannot serve us now.
    Unavailable,
    /// What is stored contradicts itself.
    Corrupt,
    /// The deployment is not set up right.
    Misconfigured,
}

/// Whether the data changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Nothing was asked to be written.
    ReadOnly,
    No,
    /// Committed, although something after the commit failed.
    Yes,
    Unknown,
}

/// The one error type of the public interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: ErrorKind,
    /// The command option that is to blame, without the colon.
    pub option: Option<&'static str>,
    /// What happened, as whole sentences; names database, table and key where there are any.
    pub message: String,
    pub written: Written,
    /// What the person can do now.
    pub hint: Option<String>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            option: None,
            message: message.into(),
            written: Written::No,
            hint: None,
        }
    }

    pub fn invalid(option: &'static str, message: impl Into<String>) -> Self {
        Error::new(ErrorKind::InvalidInput, message).option(option)
    }

    #[must_use]
    pub fn option(mut self, option: &'static str) -> Self {
        self.option = Some(option);
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it is about an option's value by itself, whatever is stored.
    pub fn is_of_input(&self) -> bool {
        let is_input = matches!(self.kind, ErrorKind::InvalidInput | ErrorKind::TooLarge);
        is_input && self.option.is_some()
    }

    /// The same with what it is about before the message, which does not name it.
    #[must_use]
    pub fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    #[must_use]
    pub fn written(mut self, written: Written) -> Self {
        self.written = written;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.option {
            Some(option) => write!(f, "Option `{option}`: {}", self.message)?,
            None => {
                // Messages begin small, so that they can follow an option's name.
                let mut chars = self.message.chars();
                let first = chars.next().into_iter().flat_map(char::to_uppercase);
                write!(f, "{}{}", first.collect::<String>(), chars.as_str())?;
            }
        }
        f.write_str(match self.written {
            Written::ReadOnly => "",
            Written::No => " Nothing was written.",
            Written::Yes => " The write itself is committed.",
            Written::Unknown => " It is not known whether the write was committed.",
        })?;
        if let Some(hint) = &self.hint {
            write!(f, " {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
