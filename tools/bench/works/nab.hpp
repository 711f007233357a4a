#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace factory::bench {

struct nab_options {
  std::string data = "../shared/data/nab";  ///< with data/ and labels/
  std::size_t folds = 0;                    ///< 0: only the constants as they are
  std::size_t steps = 1'000;                ///< candidates of a search
  std::uint64_t seed = 1;                   ///< of the searches
  bool from_present = false;                ///< searches begin at the constants as they are, which all files had a part in
};

/// The detectors on the Numenta Anomaly Benchmark at their own boundary. With folds, also with constants of `pattern` that were searched for on
/// other files: file i, by name, belongs to fold i mod folds; for each fold constants are searched for on the files of the others, and
/// the files of the fold are judged with these. A search begins at round figures. It changes one to three constants at a time, and keeps what does not
/// score less: the mean over three boundaries of the weighted profiles, less what false rows beyond 0.35 a week and constants far from the begin
/// cost. Prints tables.
void run_nab(const nab_options& how);

}  // namespace factory::bench
