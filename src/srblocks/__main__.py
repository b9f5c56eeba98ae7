from srblocks.cli import main

main()
