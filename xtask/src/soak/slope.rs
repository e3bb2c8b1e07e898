//! The straight line through a series of measurements.

/// The slope of the least squares' line through points; 0 for fewer than two.
#[expect(clippy::cast_precision_loss, reason = "a series has far fewer than 2^52 points")]
pub(super) fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
    let sum = |value: &dyn Fn(f64, f64) -> f64| -> f64 {
        points.iter().map(|(x, y)| value(x - x_mean, y - y_mean)).sum()
    };
    let spread = sum(&|x, _| x * x);
    if spread > 0.0 { sum(&|x, y| x * y) / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_line_of_noise_and_of_nothing() {
        let line: Vec<_> = (0..10).map(|x| (f64::from(x), 3.0 + 2.0 * f64::from(x))).collect();
        assert!((slope(&line) - 2.0).abs() < 1e-9);
        assert!(slope(&[(0.0, 1.0), (1.0, 2.0), (2.0, 1.0)]).abs() < 1e-9);
        assert!(slope(&[(5.0, 1.0)]).abs() < 1e-9);
        assert!(slope(&[]).abs() < 1e-9);
    }
}
