//! What is wrong with a configuration file, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Line, from 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Dotted name, such as `public.listen`; empty for the file as a whole.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    /// A problem of the whole file.
    pub fn whole_file(message: String) -> Self {
        Self { line: 0, column: 0, field: String::new(), message }
    }
}

/// A field that is well-formed and does not fit what is on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Dotted name.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

impl Misfit {
    /// A problem of that field.
    pub fn new(field: &str, message: impl fmt::Display) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}

/// A file with problems: at least one, in the order of the file.
#[derive(Debug)]
pub struct Invalid {
    path: PathBuf,
    /// At least one, in the order of the file.
    pub problems: Vec<Problem>,
}

impl Invalid {
    /// The problems of that file, in any order.
    pub fn new(path: &Path, mut problems: Vec<Problem>) -> Self {
        problems.sort();
        Self { path: path.to_owned(), problems }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match (problem.line, problem.field.as_str()) {
                (0, _) => write!(f, "{path}: ")?,
                (line, "") => write!(f, "{path}:{line}:{}: ", problem.column)?,
                (line, field) => write!(f, "{path}:{line}:{}: {field}: ", problem.column)?,
            }
            f.write_str(&problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}
