#pragma once

#include "pipelines/model/coding.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// For this room only: the frame of a versioned record. A record begins with its version byte. A reader knows every version from 1 to its
/// own, and the encoder writes its own (docs/reference/storage-format.md).
namespace factory {

inline std::string begin_record(std::uint8_t version) { return std::string(1, static_cast<char>(version)); }

/// Takes the version off the front of `in`; false when it is none that this program knows.
inline bool begin_record(std::string_view& in, std::uint8_t newest, std::uint8_t& version) {
  return get_byte(in, version) && version >= 1 && version <= newest;
}
/// For a record of which there is one version yet.
inline bool begin_record(std::string_view& in, std::uint8_t only) {
  std::uint8_t version = 0;
  return begin_record(in, only, version) && version == only;
}

}  // namespace factory
