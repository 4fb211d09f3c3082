// Working memory of the command that runs: blocks that are handed out from the front to the back and reused, in the
// order of the stream, by the next command. There is one block once it has been large enough for a command.
#pragma once
#include <cstddef>
#include <vector>

namespace neurite::cuda {

class Scratch {
 public:
  void* take(size_t bytes);  // 256-byte aligned; nullptr when memory is out
  void end_command();
  void trim();  // to be called when the stream is idle: what was hardly used lately goes back
  void close();

 private:
  struct Block {
    void* data;
    size_t bytes;
  };
  void release_all_but(size_t kept);

  std::vector<Block> blocks_;  // the last one is taken from
  size_t used_ = 0;            // of the last block
  size_t command_ = 0;         // by this command, of all blocks
  size_t peak_ = 0;            // by a command since the last trim
};

}  // namespace neurite::cuda
