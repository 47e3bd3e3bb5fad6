//! Sharing of work between threads: ranges of work units, and an output that threads write side by side.
//!
//! Everything runs on rayon's threads, whose waiting thread takes over what the others have not begun. candle's barrier
//! pool spins instead, which takes several times as long on a machine with other work to do.

use rayon::prelude::*;
use std::marker::PhantomData;
use std::ops::Range;

/// Number of multiply-adds below which handing work to another thread costs more than it saves.
const MIN_OPERATIONS_PER_THREAD: usize = 100_000;

/// Computes the number of parts that `units` of work are worth dividing into; `operations` is the number of
/// multiply-adds of all units together.
fn work_part_count(units: usize, operations: usize) -> usize {
    (rayon::current_num_threads() * 4)
        .min(operations / MIN_OPERATIONS_PER_THREAD)
        .min(units)
}

/// Calls `f` with ranges that together make up `0..units`, on as many threads as pay off for `operations` multiply-adds
/// in all.
pub(super) fn for_each_range_in_parallel(units: usize, operations: usize, f: impl Fn(Range<usize>) + Sync) {
    let parts = work_part_count(units, operations);
    if parts < 2 {
        return f(0..units);
    }
    (0..parts)
        .into_par_iter()
        .with_max_len(1)
        .for_each(|part| f(units * part / parts..units * (part + 1) / parts));
}

/// Divides `values`, `(rows, width)`, into runs of whole rows and calls `f` with the index of each run's first row and
/// the run's values, on as many threads as pay off for `operations` multiply-adds in all.
///
/// A call of `f` may prepare scratch memory once for all rows of its run.
pub(in crate::model) fn for_each_row_chunk_in_parallel(
    values: &mut [f32],
    width: usize,
    operations: usize,
    f: impl Fn(usize, &mut [f32]) + Sync,
) {
    let rows = values.len() / width;
    let parts = work_part_count(rows, operations);
    if parts < 2 {
        return f(0, values);
    }
    let (mut rest, mut runs) = (values, Vec::with_capacity(parts));
    for part in 0..parts {
        let (first, end) = (rows * part / parts, rows * (part + 1) / parts);
        let (run, later) = rest.split_at_mut((end - first) * width);
        runs.push((first, run));
        rest = later;
    }
    runs.into_par_iter()
        .with_max_len(1)
        .for_each(|(first, run)| f(first, run));
}

/// Calls `f` with the index and the values of each row of `values`, `(rows, width)`, on several threads where that pays
/// off. `cost` is the number of multiply-adds that one value takes.
pub(in crate::model) fn for_each_row_in_parallel(
    values: &mut [f32],
    width: usize,
    cost: usize,
    f: impl Fn(usize, &mut [f32]) + Sync,
) {
    let operations = values.len() * cost;
    for_each_row_chunk_in_parallel(values, width, operations, |first, run| {
        for (index, row) in run.chunks_exact_mut(width).enumerate() {
            f(first + index, row);
        }
    });
}

/// An output buffer that several threads write at once, each to values that no other thread writes.
pub(super) struct SharedOutput<'a> {
    start: *mut f32,
    len: usize,
    output: PhantomData<&'a mut [f32]>,
}

// SAFETY: the values are reached by `write_values` alone, whose callers keep to places that no other thread writes.
unsafe impl Sync for SharedOutput<'_> {}

impl<'a> SharedOutput<'a> {
    /// Borrows `output` mutably for as long as threads write to it.
    pub fn new(output: &'a mut [f32]) -> Self {
        Self {
            start: output.as_mut_ptr(),
            len: output.len(),
            output: PhantomData,
        }
    }

    /// Borrows room for `len` more values at the end of a vector. The vector's length stays: the caller sets it once
    /// all of these values are written.
    pub fn in_spare_capacity(output: &'a mut Vec<f32>, len: usize) -> Self {
        output.reserve_exact(len);
        Self {
            start: output.spare_capacity_mut().as_mut_ptr().cast(),
            len,
            output: PhantomData,
        }
    }

    /// Copies `values` to the output, from index `at` on.
    ///
    /// # Safety
    /// No other thread writes any of these values of the output at the same time.
    ///
    /// # Panics
    /// If the values do not fit into the output.
    #[inline(always)]
    pub unsafe fn write_values(&self, at: usize, values: &[f32]) {
        assert!(at <= self.len && values.len() <= self.len - at);
        // SAFETY: the values lie within the borrowed output or room. While it is borrowed nothing else reads or writes
        // it but other threads' writes, which the caller keeps apart, and `values` cannot overlap it, as the borrow is
        // a mutable one.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.start.add(at), values.len()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_unit_and_every_row_is_visited_once() {
        for (rows, operations) in [(0, 0), (1, 1 << 30), (7, 0), (103, 1 << 30)] {
            let visits: Vec<AtomicUsize> = (0..rows).map(|_| AtomicUsize::new(0)).collect();
            for_each_range_in_parallel(rows, operations, |range| {
                for unit in range {
                    visits[unit].fetch_add(1, Ordering::Relaxed);
                }
            });
            assert!(visits.iter().all(|visits| visits.load(Ordering::Relaxed) == 1));
            let mut values = vec![0.0; rows * 3];
            for_each_row_in_parallel(&mut values, 3, operations, |row, values| {
                values.iter_mut().for_each(|value| *value += row as f32);
            });
            assert!(values.iter().enumerate().all(|(i, value)| *value == (i / 3) as f32));
        }
    }

    #[test]
    #[should_panic]
    fn a_write_beyond_the_output_is_refused() {
        let mut output = [0.0; 4];
        // SAFETY: there is one thread.
        unsafe { SharedOutput::new(&mut output).write_values(3, &[1.0, 2.0]) };
    }
}
