#include "replay/byte_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

namespace factory::replay {

namespace {

/// Stored bytes, a buffer at a time.
struct stored_bytes {
  std::string name;
  int file = -1;
  std::uint64_t size = 0, taken = 0;
  std::vector<char> buffer = std::vector<char>(256 << 10);
  std::size_t begin = 0, end = 0;
  bool ended = false;

  std::string_view view() const { return {buffer.data() + begin, end - begin}; }
  /// Fills the buffer when it is empty; nothing in it afterwards means the end.
  expected<void> fill() {
    if (begin != end || ended) return {};
    begin = end = 0;
    ssize_t got;
    do got = ::read(file, buffer.data(), buffer.size());
    while (got < 0 && errno == EINTR);
    if (got < 0) return fail(errc::unavailable, fmt::format("cannot read {}: {}", name, std::strerror(errno)));
    ended = got == 0;
    end = static_cast<std::size_t>(got);
    taken += end;
    return {};
  }
};

/// Turns stored bytes into text.
class unpacker {
 public:
  virtual ~unpacker() = default;
  virtual expected<std::size_t> read(stored_bytes& from, char* out, std::size_t room) = 0;
};

class plain : public unpacker {
 public:
  expected<std::size_t> read(stored_bytes& from, char* out, std::size_t room) override {
    if (auto filled = from.fill(); !filled) return tl::unexpected(filled.error());
    const std::size_t size = std::min(room, from.view().size());
    std::memcpy(out, from.view().data(), size);
    from.begin += size;
    return size;
  }
};

tl::unexpected<error> damaged(const stored_bytes& from, std::string_view kind) {
  return fail(errc::malformed,
              fmt::format("{} is damaged: its {} data does not fit together or ends too early", from.name, kind));
}

class gzip : public unpacker {
 public:
  gzip() { inflateInit2(&stream_, 15 + 16); }
  ~gzip() override { inflateEnd(&stream_); }

  expected<std::size_t> read(stored_bytes& from, char* out, std::size_t room) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(room);
    while (stream_.avail_out == room) {
      if (auto filled = from.fill(); !filled) return tl::unexpected(filled.error());
      if (from.view().empty()) {
        if (within_) return damaged(from, "gzip");
        return 0U;
      }
      // A gzip file may be several, one behind the other.
      if (!within_) inflateReset(&stream_);
      stream_.next_in = reinterpret_cast<Bytef*>(from.buffer.data() + from.begin);
      stream_.avail_in = static_cast<uInt>(from.view().size());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      from.begin = from.end - stream_.avail_in;
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return damaged(from, "gzip");
      within_ = result != Z_STREAM_END;
    }
    return room - stream_.avail_out;
  }

 private:
  z_stream stream_{};
  bool within_ = false;
};

class zstd : public unpacker {
 public:
  ~zstd() override { ZSTD_freeDStream(stream_); }

  expected<std::size_t> read(stored_bytes& from, char* out, std::size_t room) override {
    ZSTD_outBuffer output{out, room, 0};
    while (output.pos == 0) {
      if (auto filled = from.fill(); !filled) return tl::unexpected(filled.error());
      if (from.view().empty() && !pending_) {
        if (within_) return damaged(from, "zstd");
        return 0U;
      }
      ZSTD_inBuffer input{from.buffer.data(), from.end, from.begin};
      const std::size_t result = ZSTD_decompressStream(stream_, &output, &input);
      const bool moved = input.pos != from.begin || output.pos != 0;
      from.begin = input.pos;
      if (ZSTD_isError(result) != 0) return damaged(from, "zstd");
      within_ = result != 0;
      pending_ = output.pos == output.size;
      if (!moved && from.view().empty() && from.ended) return within_ ? expected<std::size_t>(damaged(from, "zstd")) : 0U;
    }
    return output.pos;
  }

 private:
  ZSTD_DStream* stream_ = ZSTD_createDStream();
  bool within_ = false, pending_ = false;
};

}  // namespace

struct byte_source::impl {
  stored_bytes stored;
  std::unique_ptr<unpacker> text;

  ~impl() {
    if (stored.file > STDIN_FILENO) ::close(stored.file);
  }
};

byte_source::byte_source(std::unique_ptr<impl> opened) : impl_(std::move(opened)) {}
byte_source::~byte_source() = default;

expected<std::unique_ptr<byte_source>> byte_source::open(const std::string& path) {
  auto opened = std::make_unique<impl>();
  stored_bytes& stored = opened->stored;
  stored.name = path == "-" ? "standard input" : path;
  stored.file = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about {};
  if (stored.file < 0 || ::fstat(stored.file, &about) != 0) {
    return fail(errc::not_found, fmt::format("cannot open {}: {}", stored.name, std::strerror(errno)));
  }
  if (S_ISDIR(about.st_mode)) return fail(errc::invalid, fmt::format("{} is a folder; name its files", stored.name));
  if (S_ISREG(about.st_mode)) stored.size = static_cast<std::uint64_t>(about.st_size);
  if (auto filled = stored.fill(); !filled) return tl::unexpected(filled.error());
  if (stored.view().starts_with("\x1F\x8B")) {
    opened->text = std::make_unique<gzip>();
  } else if (stored.view().starts_with("\x28\xB5\x2F\xFD")) {
    opened->text = std::make_unique<zstd>();
  } else {
    opened->text = std::make_unique<plain>();
  }
  return std::unique_ptr<byte_source>(new byte_source(std::move(opened)));
}

expected<std::size_t> byte_source::read(char* out, std::size_t room) { return impl_->text->read(impl_->stored, out, room); }
std::uint64_t byte_source::file_bytes() const { return impl_->stored.size; }
std::uint64_t byte_source::file_bytes_read() const { return impl_->stored.taken; }

}  // namespace factory::replay
