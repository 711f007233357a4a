#include "storage/block/plane.hpp"

#include <zstd.h>

#include <cstring>
#include <memory>
#include <new>

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

enum class kind : std::uint8_t { constant = 0, raw = 1, zstd = 2 };

constexpr std::size_t too_short_to_compress = 64;   // below it the frame and its tables cost more than they save
constexpr int quick_level = 1, thorough_level = 9;  // which saves another 4 % and takes seven times as long

template <class Context, std::size_t (*Free)(Context*)>
struct freed_by {
  void operator()(Context* c) const { Free(c); }
};
using compressor = std::unique_ptr<ZSTD_CCtx, freed_by<ZSTD_CCtx, ZSTD_freeCCtx>>;
using decompressor = std::unique_ptr<ZSTD_DCtx, freed_by<ZSTD_DCtx, ZSTD_freeDCtx>>;

template <class Context>
Context& owned(Context* context) {
  if (context == nullptr) throw std::bad_alloc();
  return *context;
}
ZSTD_CCtx& this_threads_compressor() {
  thread_local compressor context{ZSTD_createCCtx()};
  return owned(context.get());
}
ZSTD_DCtx& this_threads_decompressor() {
  thread_local decompressor context{ZSTD_createDCtx()};
  return owned(context.get());
}

void put_raw(std::string& out, std::span<const std::uint8_t> plane) {
  put_byte(out, static_cast<std::uint8_t>(kind::raw));
  out.append(reinterpret_cast<const char*>(plane.data()), plane.size());
}

bool all_equal(std::span<const std::uint8_t> plane) {
  return plane.size() < 2 || std::memcmp(plane.data(), plane.data() + 1, plane.size() - 1) == 0;
}

}  // namespace

void put_plane(std::string& out, std::span<const std::uint8_t> plane, effort how) {
  if (how == effort::plain || plane.empty()) return put_raw(out, plane);
  if (all_equal(plane)) {
    put_byte(out, static_cast<std::uint8_t>(kind::constant));
    return put_byte(out, plane.front());
  }
  if (plane.size() < too_short_to_compress) return put_raw(out, plane);
  thread_local std::string packed;
  packed.resize(ZSTD_compressBound(plane.size()));
  const int level = how == effort::thorough ? thorough_level : quick_level;
  const std::size_t size =
      ZSTD_compressCCtx(&this_threads_compressor(), packed.data(), packed.size(), plane.data(), plane.size(), level);
  // A plane that hardly shrinks is stored raw, because raw is faster to read.
  if (ZSTD_isError(size) != 0 || size > plane.size() - plane.size() / 32) return put_raw(out, plane);
  put_byte(out, static_cast<std::uint8_t>(kind::zstd));
  put_text(out, {packed.data(), size});
}

bool get_plane(std::string_view& in, std::span<std::uint8_t> plane) {
  std::uint8_t what = 0;
  if (!get_byte(in, what)) return false;
  switch (static_cast<kind>(what)) {
    case kind::constant: {
      std::uint8_t value = 0;
      if (!get_byte(in, value)) return false;
      std::memset(plane.data(), value, plane.size());
      return true;
    }
    case kind::raw:
      if (in.size() < plane.size()) return false;
      if (!plane.empty()) std::memcpy(plane.data(), in.data(), plane.size());
      in.remove_prefix(plane.size());
      return true;
    case kind::zstd: {
      std::string_view packed;
      if (!get_text(in, packed)) return false;
      return ZSTD_decompressDCtx(&this_threads_decompressor(), plane.data(), plane.size(), packed.data(), packed.size()) ==
             plane.size();
    }
  }
  return false;
}

}  // namespace factory
