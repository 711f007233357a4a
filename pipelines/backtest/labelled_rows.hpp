#pragma once

#include <cstdint>

namespace factory {

/// How well rows were told apart, row by row: which were said to be faulty, against which were. Rows of many files are counted together.
struct labelled_rows {
  std::uint64_t found = 0, missed = 0;  ///< faulty rows
  std::uint64_t wrong = 0, calm = 0;    ///< the others: said to be faulty, or not

  void count(bool is_faulty, bool is_said) { ++(is_faulty ? (is_said ? found : missed) : (is_said ? wrong : calm)); }
  void operator+=(const labelled_rows& more) {
    found += more.found;
    missed += more.missed;
    wrong += more.wrong;
    calm += more.calm;
  }
  std::uint64_t faulty() const { return found + missed; }
  std::uint64_t rows() const { return faulty() + wrong + calm; }
  /// Harmonic mean of the share of what was said that is so and the share of what is so that was said; 0 where nothing was found.
  double f1() const {
    return found == 0 ? 0 : 2.0 * static_cast<double>(found) / static_cast<double>(2 * found + wrong + missed);
  }
  double wrong_share() const { return share(wrong, wrong + calm); }  ///< of the rows without a fault
  double missed_share() const { return share(missed, faulty()); }    ///< of the faulty rows

 private:
  static double share(std::uint64_t part, std::uint64_t of) {
    return of == 0 ? 0 : static_cast<double>(part) / static_cast<double>(of);
  }
};

}  // namespace factory
