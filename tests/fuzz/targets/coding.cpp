// Packed bodies: unpacking keeps to its limit whatever the bytes are, and bytes that we packed come back.
#include <string>

#include "fuzz/fuzz.hpp"
#include "http/edge/content_coding.hpp"

using namespace factory;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const coding how = in.byte() % 2 == 0 ? coding::gzip : coding::zstd;
  const std::size_t most_bytes = std::size_t{1} << in.byte() % 20;
  const fuzz::exact packed(in.rest());
  if (const auto plain = unpack(how, packed.view(), most_bytes))
    fuzz::require(plain->view().size() <= most_bytes, "no more than the limit comes out");
  else
    fuzz::require(plain.error().code == errc::too_large || plain.error().code == errc::malformed,
                  "a refusal names the client's fault");

  const auto again = unpack(coding::gzip, gzip(packed.view()), packed.view().size() + 1);
  fuzz::require(again && again->view() == packed.view(), "what was packed comes back");
  return 0;
}
