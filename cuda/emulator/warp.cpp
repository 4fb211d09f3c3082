#include "warp.h"

namespace simt {

void perform_shuffle(Exchange& e) {
  for (int lane = 0; lane < 32; lane++) {
    if (!(e.mask >> lane & 1)) continue;
    auto* mine = static_cast<Shuffle*>(e.arguments[lane]);
    if (mine->source < 0 || mine->source > 31 || !(e.mask >> mine->source & 1))
      fail("%s at %s:%u: lane %d asks lane %d, which does not take part", e.what, e.at.file_name(), e.at.line(), lane,
           mine->source);
    mine->result = static_cast<Shuffle*>(e.arguments[mine->source])->value;
  }
}

void perform_ballot(Exchange& e) {
  uint32_t votes = 0;
  for (int lane = 0; lane < 32; lane++)
    if (e.mask >> lane & 1 && static_cast<Vote*>(e.arguments[lane])->value) votes |= 1u << lane;
  for (int lane = 0; lane < 32; lane++)
    if (e.mask >> lane & 1) static_cast<Vote*>(e.arguments[lane])->result = votes;
}

}  // namespace simt
