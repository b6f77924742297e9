//! Chains of calls, broken into lines as rustfmt would.

/// The widest line, unless a single text is wider.
const WIDTH: usize = 100;

/// A constructor and the setters called on it, or a literal.
#[derive(Debug)]
pub(crate) struct Expr {
    head: String,
    /// Whether it is a literal or a constant, which is never broken into lines.
    is_leaf: bool,
    /// The last argument of the constructor, if it is a chain itself.
    last: Option<Box<Expr>>,
    /// Its items, if it is an array.
    items: Vec<Expr>,
    calls: Vec<(String, Argument)>,
}

#[derive(Debug)]
enum Argument {
    Text(String),
    Expr(Expr),
}

/// A text as a literal: in lines as it is where that is possible.
pub(crate) fn quoted(text: &str) -> String {
    let readable = text
        .chars()
        .all(|c| c == '\n' || !(c.is_control() || matches!(c, '\u{200b}'..='\u{206f}' | '\u{feff}')));
    if text.contains('\n') && text.trim_end_matches('\n').contains('\n') && readable {
        let hashes =
            (1..).map(|count| "#".repeat(count)).find(|hashes| !text.contains(&format!("\"{hashes}")));
        let hashes = hashes.unwrap_or_default();
        return format!("r{hashes}\"{text}\"{hashes}");
    }
    format!("{text:?}")
}

/// Whether the last argument of a constructor stands on its line.
fn fits(last: &Expr, before: usize) -> bool {
    let line = last.line();
    before + line.len() < WIDTH && last.calls.len() <= 3 && !line.contains('\n')
}

impl Expr {
    /// A constructor with its arguments.
    pub(crate) fn new(head: impl Into<String>) -> Self {
        Self { head: head.into(), is_leaf: false, last: None, items: Vec::new(), calls: Vec::new() }
    }

    /// A literal or a constant.
    pub(crate) fn leaf(text: impl Into<String>) -> Self {
        Self { is_leaf: true, ..Self::new(text) }
    }

    /// A text as a literal.
    pub(crate) fn text(text: &str) -> Self {
        Self::leaf(quoted(text))
    }

    /// A constructor of these arguments. The last one may be a chain, which is broken into lines if it is long.
    pub(crate) fn of(constructor: &str, mut arguments: Vec<Self>) -> Self {
        let chain = arguments.pop_if(|last| !last.is_leaf);
        let first = arguments.iter().map(Self::line).collect::<Vec<_>>().join(", ");
        match chain {
            None => Self::new(format!("{constructor}({first})")),
            Some(chain) if first.is_empty() => Self::with_one(constructor, chain),
            Some(chain) => Self::with_two(constructor, first, chain),
        }
    }

    /// A constructor with a text and a chain.
    fn with_two(constructor: &str, first: String, second: Self) -> Self {
        Self { last: Some(Box::new(second)), ..Self::new(format!("{constructor}({first}, ")) }
    }

    /// A constructor with a chain.
    fn with_one(constructor: &str, only: Self) -> Self {
        Self { last: Some(Box::new(only)), ..Self::new(format!("{constructor}(")) }
    }

    /// An array. One of literals stands on its line.
    pub(crate) fn array(items: Vec<Self>) -> Self {
        let is_leaf = !items.is_empty() && items.iter().all(|item| item.is_leaf);
        let array = Self { items, ..Self::new("[]") };
        if is_leaf { Self::leaf(array.line()) } else { array }
    }

    /// Calls a setter with arguments that stand on its line.
    pub(crate) fn call(&mut self, method: &str, arguments: impl Into<String>) {
        self.calls.push((method.to_owned(), Argument::Text(arguments.into())));
    }

    /// Calls a setter with one argument.
    pub(crate) fn nest(&mut self, method: &str, argument: Self) {
        if argument.is_leaf {
            return self.call(method, argument.head);
        }
        self.calls.push((method.to_owned(), Argument::Expr(argument)));
    }

    /// The text, behind which the cursor is so far from the left.
    pub(crate) fn print(&self, indent: usize) -> String {
        let line = self.line();
        // rustfmt breaks a chain of more than three calls, and so do we, roughly.
        if indent + line.len() <= WIDTH && !line.contains('\n') && self.calls.len() <= 3 {
            return line;
        }
        let mut inner = indent + 4;
        if !self.items.is_empty() {
            let deeper = " ".repeat(inner);
            let items = self.items.iter().map(|item| format!("{deeper}{},\n", item.print(inner)));
            return format!("[\n{}{}]", items.collect::<String>(), " ".repeat(indent));
        }
        let mut text = match &self.last {
            None => self.head.clone(),
            Some(last) if fits(last, indent + self.head.len()) => format!("{}{})", self.head, last.line()),
            Some(last) => {
                let (outer, deeper) = (" ".repeat(indent), " ".repeat(inner));
                let (constructor, first) = self.head.split_once('(').unwrap_or((&self.head, ""));
                let first = first.trim_end_matches(", ");
                let first = if first.is_empty() { String::new() } else { format!("{deeper}{first},\n") };
                let last = last.print(inner);
                // Behind a constructor of several lines, setters stand below its beginning.
                inner = indent;
                format!("{constructor}(\n{first}{deeper}{last},\n{outer})")
            }
        };
        for (method, argument) in &self.calls {
            text += &format!("\n{}.{method}(", " ".repeat(inner));
            match argument {
                Argument::Text(argument) => text += argument,
                Argument::Expr(expr) => {
                    let line = expr.print(inner);
                    if line.contains('\n') || inner + method.len() + line.len() + 3 > WIDTH {
                        let deeper = " ".repeat(inner + 4);
                        text += &format!("\n{deeper}{},\n{}", expr.print(inner + 4), " ".repeat(inner));
                    } else {
                        text += &line;
                    }
                }
            }
            text.push(')');
        }
        text
    }

    /// All of it on one line.
    pub(crate) fn line(&self) -> String {
        let mut text = match &self.last {
            None if self.items.is_empty() => self.head.clone(),
            None => {
                let items: Vec<String> = self.items.iter().map(Self::line).collect();
                format!("[{}]", items.join(", "))
            }
            Some(last) => format!("{}{})", self.head, last.line()),
        };
        for (method, argument) in &self.calls {
            match argument {
                Argument::Text(argument) => text += &format!(".{method}({argument})"),
                Argument::Expr(expr) => text += &format!(".{method}({})", expr.line()),
            }
        }
        text
    }
}
