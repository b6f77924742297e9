//! Tables that a role shows beside the budget of hosts.

use serde::{Deserialize, Serialize};

/// A table that a role shows to a person who checks the cloud: see [`SpanningRole::tables`](super::SpanningRole::tables).
///
/// ```
/// use fmc_core::role::RoleTable;
///
/// let mut table = RoleTable::new("store main", ["machine", "left"]).numbers([1]);
/// table.row(["a", "12 GiB"]);
/// assert_eq!(table.rows(), [["a", "12 GiB"]]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleTable {
    title: String,
    columns: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    numbers: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl RoleTable {
    /// A table without rows: what it is about, and the heads of its columns.
    pub fn new<const N: usize>(title: impl Into<String>, columns: [&str; N]) -> Self {
        let columns = columns.map(str::to_owned).to_vec();
        Self { title: title.into(), columns, numbers: Vec::new(), rows: Vec::new() }
    }

    /// The columns of numbers, by index: they are aligned to the right.
    #[must_use]
    pub fn numbers<const N: usize>(self, columns: [usize; N]) -> Self {
        Self { numbers: columns.to_vec(), ..self }
    }

    /// Adds a row. Cells beyond the columns are left out, and missing ones are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let mut row: Vec<String> = cells.into_iter().map(Into::into).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// Its title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The heads of its columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether a column has numbers.
    pub fn is_number(&self, column: usize) -> bool {
        self.numbers.contains(&column)
    }

    /// Its rows, each with a cell for every column.
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }
}
