#include "http/edge/content_coding.hpp"

#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "http/edge/accept.hpp"
#include "http/edge/limits.hpp"
#include "http/edge/problem.hpp"
#include "http/gate/gate_head.hpp"

namespace factory {

namespace {

constexpr std::size_t step_bytes = 256UL << 10;
constexpr int gzip_window = 15 + 16;  // zlib's way of saying "with a gzip header"
constexpr int zstd_window_log = 24;   // 16 MiB: what `zstd -19` needs; a frame cannot make us allocate more
constexpr int quick_level = 1;        // an answer is packed while its client waits

tl::unexpected<error> damaged() { return fail(errc::malformed, "The body is not what its Content-Encoding says, or is damaged"); }
tl::unexpected<error> too_large(std::size_t most_bytes) {
  return fail(errc::too_large,
              "The body unpacks to more than the " + std::to_string(most_bytes) + " bytes that this route takes");
}

/// Room for the next output: one byte more than allowed reveals that there is more.
std::span<char> room_for(body_buffer& out, std::size_t most_bytes) {
  return out.room(std::min(std::max(step_bytes, out.size()), most_bytes + 1 - out.size()));
}

struct inflater {
  z_stream stream{};
  inflater() {
    if (inflateInit2(&stream, gzip_window) != Z_OK) throw std::bad_alloc();
  }
  ~inflater() { inflateEnd(&stream); }
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;
};

/// zlib takes the input as non-const but does not write to it.
Bytef* input_of(std::string_view bytes) { return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())); }

struct deflater {
  z_stream stream{};
  deflater() {
    if (deflateInit2(&stream, quick_level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  }
  ~deflater() { deflateEnd(&stream); }
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;

  /// Appends the packed output for `plain`; with Z_FINISH all of it.
  void put(std::string& out, std::string_view plain, int flush) {
    stream.next_in = input_of(plain);
    stream.avail_in = static_cast<uInt>(plain.size());
    do {
      const std::size_t begin = out.size(), room = deflateBound(&stream, stream.avail_in);
      out.resize(begin + room);
      stream.next_out = reinterpret_cast<Bytef*>(out.data() + begin);
      stream.avail_out = static_cast<uInt>(room);
      deflate(&stream, flush);
      out.resize(out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  }
};

expected<body_buffer> unpack_gzip(std::string_view packed, std::size_t most_bytes) {
  inflater with;
  body_buffer out;
  with.stream.next_in = input_of(packed);
  with.stream.avail_in = static_cast<uInt>(packed.size());
  for (;;) {
    const std::span<char> room = room_for(out, most_bytes);
    with.stream.next_out = reinterpret_cast<Bytef*>(room.data());
    with.stream.avail_out = static_cast<uInt>(room.size());
    const int state = inflate(&with.stream, Z_NO_FLUSH);
    out.commit(room.size() - with.stream.avail_out);
    if (out.size() > most_bytes) return too_large(most_bytes);
    if (state == Z_STREAM_END && with.stream.avail_in == 0) return out;
    if (state == Z_STREAM_END ? inflateReset(&with.stream) != Z_OK : state != Z_OK) return damaged();
    if (state == Z_OK && with.stream.avail_in == 0 && with.stream.avail_out > 0) return damaged();  // cut
  }
}

struct zstd_freer {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

expected<body_buffer> unpack_zstd(std::string_view packed, std::size_t most_bytes) {
  const std::unique_ptr<ZSTD_DCtx, zstd_freer> with(ZSTD_createDCtx());
  if (!with) throw std::bad_alloc();
  ZSTD_DCtx_setParameter(with.get(), ZSTD_d_windowLogMax, zstd_window_log);
  body_buffer out;
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  for (;;) {
    const std::span<char> room = room_for(out, most_bytes);
    ZSTD_outBuffer to{room.data(), room.size(), 0};
    const std::size_t state = ZSTD_decompressStream(with.get(), &to, &in);
    if (ZSTD_isError(state) != 0) return damaged();
    out.commit(to.pos);
    if (out.size() > most_bytes) return too_large(most_bytes);
    if (state == 0 && in.pos == in.size) return out;
    if (in.pos == in.size && to.pos < to.size) return damaged();  // cut
  }
}

std::string_view header_of(const http_request& request, std::string_view name) {
  return request.header ? request.header(name) : std::string_view();
}

std::string header_list_of(const http_request& request, std::string_view name) {
  return request.header_list ? request.header_list(name) : std::string(header_of(request, name));
}

http_response refuse_coding() {
  http_response answer = problem(415, "The Content-Encoding must be gzip or zstd");
  answer.headers.emplace_back("Accept-Encoding", "gzip, zstd");
  return answer;
}

http_response ask_unpacked(const http_handler& inner, const http_request& request, std::size_t most_bytes) {
  const auto how = parse_coding(header_of(request, "Content-Encoding"));
  if (!how) return refuse_coding();
  if (*how == coding::identity || request.body.empty()) return inner(request);
  const expected<body_buffer> plain = unpack(*how, request.body, most_bytes);
  if (!plain) return problem(plain.error());
  http_request whole = request;
  whole.body = plain->view();
  return inner(whole);
}

std::string etag_of(std::string_view body) {
  constexpr std::string_view digits = "0123456789abcdef";
  const XXH128_hash_t digest = XXH3_128bits(body.data(), body.size());
  std::string tag = "W/\"";
  for (const std::uint64_t half : {digest.high64, digest.low64})
    for (int shift = 60; shift >= 0; shift -= 4) tag += digits[(half >> static_cast<unsigned>(shift)) & 15U];
  return tag + '"';
}

/// A list of tags, or "*"; weak ones compare equal to strong ones (RFC 9110, 13.1.2).
bool names_tag(std::string_view if_none_match, std::string_view tag) {
  return if_none_match == "*" || if_none_match.find(tag.substr(2)) != std::string_view::npos;
}

/// Packs the pieces of another source. Bytes that zlib holds back come with a later piece.
class gzip_source final : public body_source {
 public:
  explicit gzip_source(std::shared_ptr<body_source> plain) : plain_(std::move(plain)) {}
  expected<bool> next(std::string& out) override {
    piece_.clear();
    const expected<bool> more = plain_->next(piece_);
    if (more) with_.put(out, piece_, *more ? Z_NO_FLUSH : Z_FINISH);
    return more;
  }

 private:
  std::shared_ptr<body_source> plain_;
  deflater with_;
  std::string piece_;
};

void pack_pieces(http_response& answer, bool takes_gzip) {
  answer.headers.emplace_back("Vary", "Accept, Accept-Encoding");
  if (!takes_gzip) return;
  answer.source = std::make_shared<gzip_source>(std::move(answer.source));
  answer.headers.emplace_back("Content-Encoding", "gzip");
}

void pack(http_response& answer, bool reading, bool takes_gzip, std::string_view if_none_match) {
  if (answer.source) return pack_pieces(answer, takes_gzip);
  if (answer.body.size() < limits::worth_packing_bytes) return;
  answer.headers.emplace_back("Vary", "Accept, Accept-Encoding");
  if (reading && answer.status == 200) {
    answer.headers.emplace_back("ETag", etag_of(answer.body));
    if (!if_none_match.empty() && names_tag(if_none_match, answer.headers.back().second)) {
      answer.status = 304;
      answer.body.clear();
      return;
    }
  }
  if (!takes_gzip) return;
  answer.body = gzip(answer.body);
  answer.headers.emplace_back("Content-Encoding", "gzip");
}

}  // namespace

std::optional<coding> parse_coding(std::string_view content_encoding) {
  if (content_encoding.empty() || same_text(content_encoding, "identity")) return coding::identity;
  if (same_text(content_encoding, "gzip") || same_text(content_encoding, "x-gzip")) return coding::gzip;
  if (same_text(content_encoding, "zstd")) return coding::zstd;
  return {};
}

bool accepts_gzip(std::string_view accept_encoding) {
  const unsigned wanted = quality(accept_encoding, "gzip").value_or(0);
  return wanted > 0 && wanted >= quality(accept_encoding, "identity").value_or(0);
}

expected<body_buffer> unpack(coding how, std::string_view packed, std::size_t most_bytes) {
  if (packed.size() > std::numeric_limits<uInt>::max()) return too_large(most_bytes);
  if (how == coding::gzip) return unpack_gzip(packed, most_bytes);
  if (how == coding::zstd) return unpack_zstd(packed, most_bytes);
  body_buffer same;
  same.append(packed);
  return same;
}

std::string gzip(std::string_view plain) {
  std::string packed;
  deflater().put(packed, plain, Z_FINISH);
  return packed;
}

http_handler with_content_coding(http_handler inner, body_limit most_bytes) {
  return [inner = std::move(inner), most_bytes = std::move(most_bytes)](const http_request& request) {
    const bool coded = !header_of(request, "Content-Encoding").empty();
    http_response answer = coded ? ask_unpacked(inner, request, most_bytes(request.method, request.path)) : inner(request);
    const bool reading = request.method == http_method::get || request.method == http_method::head;
    const bool takes_gzip = accepts_gzip(header_list_of(request, "Accept-Encoding"));
    if (!reading && !takes_gzip) return answer;
    return when_complete(std::move(answer), [reading, takes_gzip, known = std::string(header_of(request, "If-None-Match"))](
                                                http_response& whole) { pack(whole, reading, takes_gzip, known); });
  };
}

}  // namespace factory
