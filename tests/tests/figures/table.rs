//! A row of the table: a line that begins as tables in Markdown do, so that `make bench` finds it among whatever is printed.

/// What was measured, and what it is to be beside.
pub(crate) struct Row<'a> {
    /// What.
    pub(crate) what: &'a str,
    /// What it is to be; nothing, where nothing is promised.
    pub(crate) gate: &'a str,
    /// What it is.
    pub(crate) measured: String,
    /// The limit, or the peer in the same run, and how both relate.
    pub(crate) beside: String,
}

impl Row<'_> {
    /// Prints it.
    pub(crate) fn print(&self) {
        let Self { what, gate, measured, beside } = self;
        println!("\n| {what} | {gate} | {measured} | {beside} |");
    }
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// The value below which that share of all is.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share) as usize]
}

/// The three that are read most.
pub(crate) fn percentiles(values: &[f64]) -> String {
    let at = |share: f64| percentile(values, share);
    format!("p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms (n = {})", at(0.5), at(0.95), at(0.99), values.len())
}

/// Each of some, for whoever wants to see how far they are apart.
pub(crate) fn each(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:.2}")).collect::<Vec<_>>().join(" ")
}
