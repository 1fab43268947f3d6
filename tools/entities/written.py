"""Well-known people, makers and teams, written for this project: no package here names them."""

from collections.abc import Iterator

# Chosen: those that captions of images mention most, without words that are also other words.
_WRITTEN = {
    "actor": """
        Jennifer Aniston, Rowan Atkinson, Cate Blanchett, Emily Blunt, Sandra Bullock, Jim Carrey,
        Jackie Chan, Timothée Chalamet, George Clooney, Bradley Cooper, Daniel Craig, Tom Cruise,
        Benedict Cumberbatch, Matt Damon, Johnny Depp, Leonardo DiCaprio, Robert Downey Jr, Clint
        Eastwood, Idris Elba, Morgan Freeman, Gal Gadot, Ryan Gosling, Hugh Grant, Tom Hanks, Anne
        Hathaway, Hugh Jackman, Samuel L Jackson, Scarlett Johansson, Angelina Jolie, Nicole
        Kidman, Keira Knightley, Jude Law, Jennifer Lawrence, Ian McKellen, Helen Mirren, Liam
        Neeson, Natalie Portman, Daniel Radcliffe, Keanu Reeves, Julia Roberts, Margot Robbie,
        Saoirse Ronan, Arnold Schwarzenegger, Will Smith, Sylvester Stallone, Kristen Stewart, Emma
        Stone, Meryl Streep, Tilda Swinton, Charlize Theron, Emma Thompson, Denzel Washington, Emma
        Watson, Kate Winslet, Reese Witherspoon, Michelle Yeoh, Zendaya
    """,
    "musician": """
        Christina Aguilera, Louis Armstrong, Tony Bennett, Chuck Berry, Justin Bieber, Andrea
        Bocelli, David Bowie, Mariah Carey, Johnny Cash, Ray Charles, Eric Clapton, Kurt Cobain,
        Miles Davis, Billie Eilish, Aretha Franklin, Lady Gaga, Ariana Grande, Jimi Hendrix,
        Whitney Houston, Michael Jackson, Mick Jagger, Elton John, Norah Jones, Janis Joplin,
        Alicia Keys, John Lennon, Jennifer Lopez, Bob Marley, Paul McCartney, Freddie Mercury,
        Nicki Minaj, Katy Perry, Elvis Presley, Keith Richards, Ed Sheeran, Frank Sinatra, Britney
        Spears, Bruce Springsteen, Gwen Stefani, Harry Styles, Taylor Swift, Justin Timberlake,
        Tina Turner, Amy Winehouse, Stevie Wonder
    """,
    "musical group": """
        Arctic Monkeys, Backstreet Boys, Black Eyed Peas, Foo Fighters, Imagine Dragons, Iron
        Maiden, Led Zeppelin, Linkin Park, Maroon 5, One Direction, Pearl Jam, Pink Floyd, Red Hot
        Chili Peppers, Rolling Stones, The Beatles, The Killers, The Rolling Stones
    """,
    "politician": """
        Jacinda Ardern, Joe Biden, Tony Blair, Gordon Brown, George W. Bush, David Cameron, Jimmy
        Carter, Fidel Castro, Bill Clinton, Hillary Clinton, Jeremy Corbyn, Recep Tayyip Erdoğan,
        Al Gore, Mikhail Gorbachev, Kamala Harris, François Hollande, Boris Johnson, John Kerry,
        Jean-Claude Juncker, Emmanuel Macron, Nelson Mandela, John McCain, Angela Merkel, Narendra
        Modi, Benjamin Netanyahu, Barack Obama, Nancy Pelosi, Mike Pence, Vladimir Putin, Mitt
        Romney, Marco Rubio, Bernie Sanders, Nicolas Sarkozy, Rishi Sunak, Margaret Thatcher,
        Justin Trudeau, Donald Trump, Volodymyr Zelenskyy, Xi Jinping
    """,
    "athlete": """
        Muhammad Ali, Lance Armstrong, Gareth Bale, Mario Balotelli, David Beckham, Simone Biles,
        Usain Bolt, Tom Brady, Kobe Bryant, Stephen Curry, Kevin Durant, Novak Djokovic, Mo Farah,
        Roger Federer, Lewis Hamilton, Thierry Henry, LeBron James, Magic Johnson, Michael Jordan,
        Harry Kane, Diego Maradona, Floyd Mayweather, Lionel Messi, Andy Murray, Rafael Nadal,
        Naomi Osaka, Michael Phelps, Cristiano Ronaldo, Wayne Rooney, Mohamed Salah, Michael
        Schumacher, Serena Williams, Venus Williams, Mike Tyson, Sebastian Vettel, Tiger Woods,
        Zinedine Zidane
    """,
    "automobile make": """
        Alfa Romeo, Aston Martin, Audi, Bentley, BMW, Bugatti, Cadillac, Chevrolet, Chrysler,
        Citroën, Daimler, Ducati, Ferrari, Fiat, Ford, Harley-Davidson, Honda, Hyundai, Kawasaki,
        Kia, Lamborghini, Land Rover, Lexus, Maserati, Mazda, McLaren, Mercedes, Mercedes-Benz,
        Mitsubishi, Nissan, Opel, Peugeot, Porsche, Renault, Rolls-Royce, Saab, Scania, Skoda,
        Subaru, Suzuki, Tesla, Toyota, Vauxhall, Volkswagen, Volvo, Yamaha
    """,
    "business": """
        Airbus, Boeing, Bombardier, Cessna, Embraer, Lockheed Martin, Adidas, Coca-Cola, Facebook,
        Google, IBM, Intel, McDonald's, Microsoft, Nike, Nokia, Samsung, Siemens, Sony, Starbucks,
        Walmart
    """,
    "sports team": """
        Arsenal, Aston Villa, Atlético Madrid, Barcelona FC, Bayern Munich, Borussia Dortmund,
        Chelsea FC, Everton FC, FC Barcelona, Inter Milan, Juventus, Leicester City, Liverpool FC,
        Manchester City, Manchester United, Newcastle United, Paris Saint-Germain, Real Madrid,
        Tottenham Hotspur, West Ham United, Boston Celtics, Boston Red Sox, Chicago Bulls, Chicago
        Cubs, Cleveland Cavaliers, Dallas Cowboys, Golden State Warriors, Green Bay Packers, Los
        Angeles Dodgers, Los Angeles Lakers, Miami Heat, New England Patriots, New York Giants, New
        York Knicks, New York Yankees, Pittsburgh Steelers, San Francisco Giants, Seattle Seahawks,
        Toronto Maple Leafs
    """,
    "stadium": """
        Camp Nou, Madison Square Garden, Old Trafford, Stamford Bridge, Wembley Stadium, Wrigley
        Field, Yankee Stadium
    """,
}


def written_here() -> Iterator[tuple[str, str]]:
    """Each name with its type."""
    for kind, names in _WRITTEN.items():
        yield from ((" ".join(name.split()), kind) for name in names.split(","))
