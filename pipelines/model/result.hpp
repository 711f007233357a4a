#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace factory {

/// Why an operation did not happen. The gateways map each value to one HTTP status.
enum class errc : std::uint8_t {
  invalid,         ///< well-formed but against a rule; `field` names the member (400)
  malformed,       ///< not in the announced format at all (400)
  not_found,       ///< no such entity, or nothing stored to answer from (404)
  conflict,        ///< a uniqueness or reference constraint forbids it (409)
  too_large,       ///< over a named limit (413)
  overloaded,      ///< no credit; the caller may try again (503)
  timed_out,       ///< not finished before the deadline; the outcome is unknown (503)
  storage_full,    ///< the disk is full; nothing was acknowledged (507)
  storage_failed,  ///< the disk or RocksDB refused; nothing was acknowledged (503)
  corrupt,         ///< stored bytes do not match their checksum (500)
  unavailable,     ///< this side of the engine is not running (503)
  stopping,        ///< the engine is draining (503)
};

/// One refused row of a body: its index from 0, the member at fault and the reason.
struct row_error {
  std::uint64_t index = 0;
  std::string field;
  std::string reason;
};

struct error {
  errc code = errc::invalid;
  std::string message;               ///< one sentence for a person: what is wrong and what to do
  std::string field = {};            ///< the member at fault, if one is
  std::vector<row_error> rows = {};  ///< refused rows, at most `limits::row_errors_per_answer`
};

template <class T>
using expected = tl::expected<T, error>;

inline tl::unexpected<error> fail(errc code, std::string message, std::string field = {}) {
  return tl::unexpected<error>(error{code, std::move(message), std::move(field)});
}

}  // namespace factory
