//! Every sequence in which the facts of several contexts can arrive.

/// More interleavings than this would take minutes: a test that needs them should be split.
const MOST: u128 = 200_000;

/// Visits every interleaving of the sequences; each keeps its own succession.
///
/// # Panics
/// When there are more than 200 000 of them.
///
/// ```
/// let mut seen = Vec::new();
/// bongsu_given::each_interleaving(&[vec!['a', 'b'], vec!['1']], |run| {
///     seen.push(run.iter().copied().copied().collect::<String>());
/// });
/// assert_eq!(seen, ["ab1", "a1b", "1ab"]);
/// ```
pub fn each_interleaving<'a, T>(sequences: &'a [Vec<T>], mut visit: impl FnMut(&[&'a T])) {
    let count = count(sequences);
    assert!(count <= MOST, "{count} interleavings are too many to try");
    let mut taken = vec![0; sequences.len()];
    let mut run = Vec::new();
    walk(sequences, &mut taken, &mut run, &mut visit);
}

/// Every interleaving of the sequences.
///
/// ```
/// assert_eq!(bongsu_given::interleavings(&[vec![1, 2], vec![3, 4]]).len(), 6);
/// ```
pub fn interleavings<T: Clone>(sequences: &[Vec<T>]) -> Vec<Vec<T>> {
    let mut all = Vec::new();
    each_interleaving(sequences, |run| all.push(run.iter().map(|item| (*item).clone()).collect()));
    all
}

fn walk<'a, T>(
    sequences: &'a [Vec<T>],
    taken: &mut Vec<usize>,
    run: &mut Vec<&'a T>,
    visit: &mut impl FnMut(&[&'a T]),
) {
    let mut ended = true;
    for (at, sequence) in sequences.iter().enumerate() {
        let Some(next) = sequence.get(taken[at]) else { continue };
        ended = false;
        taken[at] += 1;
        run.push(next);
        walk(sequences, taken, run, visit);
        run.pop();
        taken[at] -= 1;
    }
    if ended {
        visit(run);
    }
}

/// The multinomial coefficient of the lengths, as a result of multiplying binomials.
fn count<T>(sequences: &[Vec<T>]) -> u128 {
    let mut total = 0_u128;
    let mut ways = 1_u128;
    for sequence in sequences {
        for place in 1..=sequence.len() as u128 {
            total += 1;
            ways = ways.saturating_mul(total) / place;
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sequence_keeps_its_own_order() {
        let all = interleavings(&[vec![1, 2, 3], vec![10, 20], vec![100]]);
        assert_eq!(all.len(), 60);
        for run in &all {
            let place = |wanted| run.iter().position(|item| *item == wanted).unwrap();
            assert!(place(1) < place(2) && place(2) < place(3) && place(10) < place(20));
        }
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    #[should_panic(expected = "too many to try")]
    fn more_interleavings_than_can_be_tried_are_refused() {
        each_interleaving(&[vec![0; 20], vec![1; 20]], |_| {});
    }
}
