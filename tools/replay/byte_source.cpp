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

/// zstd's own mark, or that of a frame to skip, which pzstd begins with.
bool is_zstd(std::string_view front) {
  if (front.starts_with("\x28\xB5\x2F\xFD")) return true;
  return front.size() >= 4 && (front[0] & 0xF0) == 0x50 && front.substr(1, 3) == "\x2A\x4D\x18";
}

/// UTF-16 behind a byte order mark becomes UTF-8; other text passes through.
class utf16 : public unpacker {
 public:
  explicit utf16(std::unique_ptr<unpacker> text) : text_(std::move(text)) {}

  expected<std::size_t> read(stored_bytes& from, char* out, std::size_t room) override {
    if (form_ == form::unknown) {
      for (std::size_t got = 1; got != 0 && end_ < 2; end_ += got) {
        const auto came = text_->read(from, raw_ + end_, sizeof raw_ - end_);
        if (!came) return came;
        got = *came;
      }
      const std::string_view front(raw_, end_);
      form_ = front.starts_with("\xFF\xFE") ? form::little : front.starts_with("\xFE\xFF") ? form::big : form::other;
      if (form_ != form::other) begin_ = 2;
    }
    if (room == 0) return 0U;
    if (form_ == form::other) {
      if (begin_ == end_) return text_->read(from, out, room);
      const std::size_t size = std::min(room, end_ - begin_);
      std::memcpy(out, raw_ + begin_, size);
      begin_ += size;
      return size;
    }
    std::size_t size = 0;
    while (size < room) {
      if (put_begin_ == put_end_) {
        if (end_ - begin_ < 4 && !ended_) {
          if (auto more = refill(from); !more) return tl::unexpected(std::move(more.error()));
        }
        if (begin_ == end_) break;
        const auto code = take(from);
        if (!code) return tl::unexpected(code.error());
        put_begin_ = put_end_ = 0;
        put(*code);
      }
      while (size < room && put_begin_ != put_end_) out[size++] = put_[put_begin_++];
    }
    return size;
  }

 private:
  enum class form : std::uint8_t { unknown, other, little, big } form_ = form::unknown;

  expected<void> refill(stored_bytes& from) {
    std::memmove(raw_, raw_ + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    const auto came = text_->read(from, raw_ + end_, sizeof raw_ - end_);
    if (!came) return tl::unexpected(came.error());
    ended_ = *came == 0;
    end_ += *came;
    if (end_ < 4 && !ended_) return refill(from);
    return {};
  }

  std::uint32_t unit_at(std::size_t at) const {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(raw_[i])); };
    return form_ == form::little ? byte(at) | byte(at + 1) << 8U : byte(at) << 8U | byte(at + 1);
  }

  expected<std::uint32_t> take(const stored_bytes& from) {
    if (end_ - begin_ < 2) return damaged(from, "UTF-16");
    const std::uint32_t first = unit_at(begin_);
    begin_ += 2;
    if (first < 0xD800 || first >= 0xE000) return first;
    const std::uint32_t second = end_ - begin_ < 2 ? 0 : unit_at(begin_);
    if (first >= 0xDC00 || second < 0xDC00 || second >= 0xE000) return damaged(from, "UTF-16");
    begin_ += 2;
    return 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00);
  }

  void put(std::uint32_t code) {
    const auto byte = [&](std::uint32_t value) { put_[put_end_++] = static_cast<char>(value); };
    if (code < 0x80) return byte(code);
    if (code < 0x800) {
      byte(0xC0 | code >> 6U);
    } else {
      if (code < 0x10000) {
        byte(0xE0 | code >> 12U);
      } else {
        byte(0xF0 | code >> 18U);
        byte(0x80 | (code >> 12U & 0x3FU));
      }
      byte(0x80 | (code >> 6U & 0x3FU));
    }
    byte(0x80 | (code & 0x3FU));
  }

  std::unique_ptr<unpacker> text_;
  char raw_[64 << 10];
  std::size_t begin_ = 0, end_ = 0;
  char put_[4];  // a character that is being handed out
  std::size_t put_begin_ = 0, put_end_ = 0;
  bool ended_ = false;
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
  } else if (is_zstd(stored.view())) {
    opened->text = std::make_unique<zstd>();
  } else {
    opened->text = std::make_unique<plain>();
  }
  opened->text = std::make_unique<utf16>(std::move(opened->text));
  return std::unique_ptr<byte_source>(new byte_source(std::move(opened)));
}

expected<std::size_t> byte_source::read(char* out, std::size_t room) { return impl_->text->read(impl_->stored, out, room); }
std::uint64_t byte_source::file_bytes() const { return impl_->stored.size; }
std::uint64_t byte_source::file_bytes_read() const { return impl_->stored.taken; }

}  // namespace factory::replay
