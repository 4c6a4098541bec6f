//! Reciprocals of polynomials in constant time: the division steps of Bernstein and Yang ("Fast constant-time gcd
//! computation and modular inversion", §5 and §7).

use core::hint::black_box;

use zeroize::Zeroizing;

use super::polynomial::{P, Polynomial, Q, mod_3, mod_q};

/// Arithmetic of a prime field, as the division steps need it.
trait Field {
    /// The representative closest to 0.
    fn freeze(number: i16) -> i16;

    /// `a·x - b·y` times a constant that is not 0. `a` and `b` are frozen; `x` and `y` may be what this returned.
    fn cross(a: i16, x: i16, b: i16, y: i16) -> i16;

    /// `a·b`, both frozen.
    fn multiply(a: i16, b: i16) -> i16;

    /// `1/number` of a frozen number that is not 0.
    fn reciprocal(number: i16) -> i16;
}

struct Mod3;

impl Field for Mod3 {
    fn freeze(number: i16) -> i16 {
        number
    }

    fn cross(a: i16, x: i16, b: i16, y: i16) -> i16 {
        mod_3(i32::from(a * x - b * y))
    }

    fn multiply(a: i16, b: i16) -> i16 {
        a * b
    }

    fn reciprocal(number: i16) -> i16 {
        number
    }
}

struct ModQ;

impl ModQ {
    /// 1/4591 modulo 2^16.
    const INVERSE: i16 = 15631;

    /// `a·b / 2^16`, between -Q and Q for products below `2^15·Q` (Montgomery).
    fn montgomery(a: i16, b: i16) -> i16 {
        let product = i32::from(a) * i32::from(b);
        let multiple = (product as i16).wrapping_mul(Self::INVERSE);
        ((product - i32::from(multiple) * Q) >> 16) as i16
    }
}

impl Field for ModQ {
    fn freeze(number: i16) -> i16 {
        mod_q(i32::from(number))
    }

    fn cross(a: i16, x: i16, b: i16, y: i16) -> i16 {
        Self::montgomery(a, x) - Self::montgomery(b, y)
    }

    fn multiply(a: i16, b: i16) -> i16 {
        mod_q(i32::from(a) * i32::from(b))
    }

    /// Fermat: the power `Q - 2`.
    fn reciprocal(number: i16) -> i16 {
        let exponent = Q - 2;
        (0..i32::BITS - exponent.leading_zeros()).rev().fold(1, |power, bit| {
            let square = Self::multiply(power, power);
            if exponent >> bit & 1 == 1 { Self::multiply(square, number) } else { square }
        })
    }
}

/// `1/polynomial` in R/3, `None` if there is none.
pub(super) fn invert_3(polynomial: &[i16; P]) -> Option<Polynomial> {
    invert::<Mod3>(polynomial)
}

/// `1/polynomial` in R/q, which is a field: only 0 has none.
pub(super) fn invert_q(polynomial: &[i16; P]) -> Option<Polynomial> {
    invert::<ModQ>(polynomial)
}

/// Reversed polynomials with room for one coefficient more: `f` is the modulus and `g` the input at first, and so many
/// times the input are `v` and `r` modulo the modulus.
struct Steps {
    delta: i16,
    f: Zeroizing<[i16; P + 1]>,
    g: Zeroizing<[i16; P + 1]>,
    v: Zeroizing<[i16; P + 1]>,
    r: Zeroizing<[i16; P + 1]>,
}

fn invert<F: Field>(polynomial: &[i16; P]) -> Option<Polynomial> {
    let mut steps = Steps::new(polynomial);
    for _ in 0..2 * P - 1 {
        steps.step::<F>();
    }
    // Whether there is a reciprocal may be seen: where there is none the polynomial is thrown away.
    if steps.delta != 0 {
        return None;
    }
    let scale = F::reciprocal(F::freeze(first(&*steps.f)));
    let mut out = Zeroizing::new([0; P]);
    for (to, &from) in out.iter_mut().zip(steps.v.iter().take(P).rev()) {
        *to = F::multiply(scale, F::freeze(from));
    }
    Some(out)
}

impl Steps {
    fn new(polynomial: &[i16; P]) -> Self {
        let zero = || Zeroizing::new([0; P + 1]);
        let (mut f, mut g, mut r) = (zero(), zero(), zero());
        // 1 - x^(P - 1) - x^P is the modulus, reversed.
        f.iter_mut().take(1).for_each(|constant| *constant = 1);
        f.iter_mut().rev().take(2).for_each(|leading| *leading = -1);
        g.iter_mut().zip(polynomial.iter().rev()).for_each(|(to, &from)| *to = from);
        r.iter_mut().take(1).for_each(|constant| *constant = 1);
        Self { delta: 1, f, g, v: zero(), r }
    }

    /// One division step: `f` and `g` change places if `f` is the longer one and `g` does not end in 0; then a multiple
    /// of `f` clears the constant of `g`, and `g` is divided by `x`.
    fn step<F: Field>(&mut self) {
        self.v.rotate_right(1);
        self.v.iter_mut().take(1).for_each(|constant| *constant = 0);
        let (f0, g0) = (F::freeze(first(&*self.f)), F::freeze(first(&*self.g)));
        // All ones or all zeros. The optimiser is not to know that there are two values alone.
        let swap = black_box(negative(-self.delta) & (negative(g0) | negative(-g0)));
        self.delta = select(swap, self.delta, -self.delta) + 1;
        let (f0, g0) = (select(swap, f0, g0), select(swap, g0, f0));
        clear::<F>(swap, (f0, g0), &mut self.f, &mut self.g);
        clear::<F>(swap, (f0, g0), &mut self.v, &mut self.r);
        self.g.iter_mut().take(1).for_each(|constant| *constant = 0);
        self.g.rotate_left(1);
    }
}

/// Changes places if `swap`, then takes `g0/f0` times the upper from the lower.
fn clear<F: Field>(swap: i16, (f0, g0): (i16, i16), upper: &mut [i16; P + 1], lower: &mut [i16; P + 1]) {
    for (upper, lower) in upper.iter_mut().zip(lower.iter_mut()) {
        let (kept, reduced) = (select(swap, *upper, *lower), select(swap, *lower, *upper));
        *upper = kept;
        *lower = F::cross(f0, reduced, g0, kept);
    }
}

fn first(coefficients: &[i16]) -> i16 {
    coefficients.first().copied().unwrap_or_default()
}

/// All ones for a negative number, otherwise 0.
fn negative(number: i16) -> i16 {
    number >> 15
}

/// `a` for the mask 0, `b` for all ones.
fn select(mask: i16, a: i16, b: i16) -> i16 {
    a ^ (mask & (a ^ b))
}
