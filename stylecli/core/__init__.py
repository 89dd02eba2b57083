"""What every other package uses: errors, progress, files, threads, the version."""
