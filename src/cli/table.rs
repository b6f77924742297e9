//! Aligned columns.

use std::fmt;

use fmc_core::role::RoleTable;

use super::plain::plain;

/// Rows of cells; numbers are aligned to the right by [`Table::right`].
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
}

impl Table {
    /// A table with a head.
    pub(super) fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { rows: vec![head.map(str::to_owned).to_vec()], right: Vec::new() }
    }

    /// A table that a role shows.
    pub(super) fn of_role(table: &RoleTable) -> Self {
        let cells = |row: &[String]| row.iter().map(|cell| plain(cell).into_owned()).collect();
        let rows = std::iter::once(table.columns()).chain(table.rows().iter().map(Vec::as_slice));
        let right = (0..table.columns().len()).filter(|column| table.is_number(*column));
        Self { rows: rows.map(cells).collect(), right: right.collect() }
    }

    /// Aligns columns, by index, to the right.
    pub(super) fn right(mut self, columns: &[usize]) -> Self {
        self.right = columns.to_vec();
        self
    }

    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Whether it has no row except its head.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            for (at, cell) in row.iter().enumerate() {
                let width = cell.chars().count();
                match widths.get_mut(at) {
                    Some(widest) => *widest = (*widest).max(width),
                    None => widths.push(width),
                }
            }
        }
        for row in &self.rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
                if self.right.contains(&at) { format!("{cell:>width$}") } else { format!("{cell:width$}") }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            writeln!(f, "  {}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["host", "memory"]).right(&[1]);
        assert!(table.is_empty());
        table.row(["proliant".to_owned(), "2 GiB".to_owned()]);
        table.row(["ü".to_owned(), "512 MiB".to_owned()]);
        assert_eq!(table.to_string(), "  host       memory\n  proliant    2 GiB\n  ü         512 MiB\n");
    }
}
